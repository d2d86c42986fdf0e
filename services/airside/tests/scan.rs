//! `airside scan` as its users see it: what it prints, what fails, what is known, what is accepted.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- apiGroups: ['']
  resources: [secrets]
  verbs: [get]
";

const SHOP: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]
";

#[test]
fn findings_are_told_by_check_with_their_lines() {
    let folder = Folder::with(&[("role.yaml", ROLE)]);
    let (status, text, _) = folder.scan(&["role.yaml"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @"
        high: Role can read secrets (read-secrets)
          role.yaml:6:15  Role shop/reader
              6 |   resources: [secrets]
                = rule 0 can read secrets (get)
          fix: Remove secrets from the rule, or limit it with resourceNames to the secrets that are meant; let pods mount secrets instead of reading them.

        1 high, 1 info in 1 object of 1 file
        1 below low not shown: --min-severity info
        `airside explain CHECK` tells why a check matters
        ");
}

#[test]
fn what_was_there_before_does_not_fail() {
    let folder = Folder::with(&[("a/role.yaml", ROLE)]);
    let (status, ..) = folder.scan(&["a", "--report", "json=before.json", "--report", "sarif=s"]);
    assert_eq!(status, 1);
    assert!(folder.read("s").contains("\"2.1.0\""));
    let moved = format!("# a line more\n{ROLE}");
    folder.write("a/role.yaml", &moved);
    let (status, text, problem) = folder.scan(&["a", "--baseline", "before.json"]);
    assert_eq!(status, 0, "{text}{problem}");
    assert!(text.contains("no new findings") && text.contains(" known before"), "{text}");
    folder.write("a/role.yaml", &moved.replace("[secrets]", "[pods, secrets]"));
    let (status, text, _) = folder.scan(&["a", "--baseline", "before.json"]);
    assert_eq!(status, 1, "{text}");
    let (status, _, problem) = folder.scan(&["a", "--baseline", "s"]);
    assert_eq!(status, 2);
    assert!(problem.contains("`s` is no report of a scan"), "{problem}");
}

#[test]
fn what_was_there_at_a_revision_does_not_fail() {
    let folder = Folder::with(&[("deploy/role.yaml", ROLE), ("other.yaml", "a: b")]);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "."]);
    folder.git(&["commit", "-qm", "first"]);
    folder.write("deploy/more.yaml", &ROLE.replace("reader", "more"));
    for paths in [vec!["deploy"], vec!["deploy/role.yaml", "deploy/more.yaml"], vec!["."]] {
        let mut arguments = paths.clone();
        arguments.extend(["--since", "HEAD"]);
        let (status, text, problem) = folder.scan(&arguments);
        assert_eq!(status, 1, "{paths:?}: {text}{problem}");
        assert!(text.contains(" known before"), "{paths:?}: {text}");
        assert!(text.contains("Role shop/more") && !text.contains("Role shop/reader"), "{text}");
    }
    let (status, text, problem) = folder.scan(&["deploy/role.yaml", "--since", "HEAD"]);
    assert_eq!(status, 0, "{text}{problem}");
    let (status, _, problem) = folder.scan(&["-", "--since", "HEAD"]);
    assert_eq!(status, 2);
    assert!(problem.contains("compare it with --baseline"), "{problem}");
    let (status, _, problem) = folder.scan(&["deploy", "--since", "no-such-revision"]);
    assert_eq!(status, 2);
    assert!(problem.contains("no-such-revision"), "{problem}");
}

#[test]
fn what_is_accepted_does_not_fail_and_is_counted() {
    let folder = Folder::with(&[
        ("role.yaml", ROLE),
        (".airside-exceptions", "read-secrets name=reader until=2200-01-01: it has to\n"),
    ]);
    let (status, text, _) = folder.scan(&["role.yaml"]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("1 accepted"), "{text}");
    folder.write("other", "read-secrets until=2001-01-01: it had to\n");
    let (status, text, _) = folder.scan(&["role.yaml", "--exceptions", "other"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("other:1:1") && text.contains("expired on 2001-01-01"), "{text}");
}

#[test]
fn what_is_fixed_keeps_its_layout_and_what_is_not_is_told() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  # the shop\n  - name: web\n    \
               image: web\n    securityContext:\n      privileged: true # why?\n";
    let folder = Folder::with(&[("pod.yaml", pod)]);
    let (status, diff, _) = folder.scan(&["pod.yaml", "--fix", "--dry-run", "--exit-zero"]);
    assert_eq!(status, 0);
    assert_eq!(folder.read("pod.yaml"), pod, "a dry run writes nothing");
    assert!(diff.starts_with("--- a/pod.yaml\n+++ b/pod.yaml\n"), "{diff}");
    let (status, text, _) = folder.scan(&["pod.yaml", "--fix", "--exit-zero"]);
    assert_eq!(status, 0);
    assert!(text.contains("fixed  pod.yaml  1 change\n"), "{text}");
    assert!(text.contains("not fixed  memory-limit-missing  needs a number"), "{text}");
    assert!(text.contains("  pod.yaml:10:7  Pod web: set spec.containers[0]."), "{text}");
    insta::assert_snapshot!(folder.read("pod.yaml"), @"
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      # the shop
      - name: web
        image: web
        securityContext:
          privileged: true # why?
      securityContext:
        seccompProfile:
          type: RuntimeDefault
    ");
    let (_, again, _) = folder.scan(&["pod.yaml", "--fix", "--exit-zero"]);
    assert!(again.contains("0 fixed"), "{again}");
    let (_, text, _) = folder.scan(&["pod.yaml", "--fix", "--may-break", "--exit-zero"]);
    assert!(folder.read("pod.yaml").contains("privileged: false # why?"), "{text}");
}

#[test]
fn what_is_fixed_is_told_to_programs_and_in_no_form_that_is_not_its() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    \
               image: web\n    securityContext:\n      privileged: true\n";
    let folder = Folder::with(&[("pod.yaml", pod)]);
    for refused in [["--output", "sarif"], ["--report", "json=out.json"]] {
        let arguments: Vec<&str> = ["pod.yaml", "--fix"].into_iter().chain(refused).collect();
        let (status, _, problem) = folder.scan(&arguments);
        assert_eq!((status, folder.read("pod.yaml").as_str()), (2, pod), "{problem}");
        assert!(problem.contains("--fix"), "{problem}");
    }
    let (_, text, _) = folder.scan(&["pod.yaml", "--fix", "--dry-run", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["files"][0]["changes"], 1);
    let patch = told["files"][0]["patch"].as_str().unwrap();
    assert!(patch.starts_with("--- a/pod.yaml\n+++ b/pod.yaml\n"), "{patch}");
    assert_eq!(told["fixed"][0]["check"], "seccomp-profile-missing");
    let left = told["not_fixed"].as_array().unwrap();
    let privileged = left.iter().find(|it| it["check"] == "privileged-container").unwrap();
    assert_eq!(privileged["location"]["line"], 9);
    assert!(privileged["reason"].as_str().unwrap().contains("--may-break"), "{privileged}");
    assert_eq!(
        privileged["edits"][0],
        "set spec.containers[0].securityContext.privileged to false"
    );
}

#[test]
fn a_finding_is_the_same_one_however_its_file_is_named_and_wherever_its_container_stands() {
    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  \
                       - {name: agent, image: 'web:1', securityContext: {privileged: true}}\n";
    let folder = Folder::with(&[("a/pod.yaml", POD)]);
    folder.scan(&["a/pod.yaml", "--report", "json=before.json", "--exit-zero"]);
    let whole = folder.path().join("a").display().to_string();
    for path in ["a", "./a", "a/../a/pod.yaml", &whole] {
        let (status, text, _) = folder.scan(&[path, "--baseline", "before.json"]);
        assert_eq!(status, 0, "{path}: {text}");
    }
    let (head, agent) = POD.split_at(POD.find("  - {name: agent").expect("a container"));
    let miner = agent.replace("agent", "miner");
    folder.write("a/pod.yaml", &format!("{head}{miner}{agent}"));
    let (status, text, _) = folder.scan(&["a", "--baseline", "before.json"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("container `miner` runs privileged"), "{text}");
    assert!(!text.contains("container `agent` runs privileged"), "{text}");
    folder.write("a/pod.yaml", &format!("{head}{miner}"));
    let (status, text, _) = folder.scan(&["a", "--baseline", "before.json"]);
    assert_eq!(status, 1, "another container at its place is another one: {text}");
}

#[test]
fn exceptions_of_the_nearest_folder_hold_from_wherever_a_scan_is_run() {
    let folder = Folder::with(&[
        ("shop/deploy/role.yaml", ROLE),
        ("shop/.airside-exceptions", "read-secrets path=deploy/role.yaml: it backs them up\n"),
    ]);
    for path in ["shop", "./shop/deploy", "shop/deploy/role.yaml"] {
        let (status, text, problem) = folder.scan(&[path]);
        assert_eq!(status, 0, "{path}: {text}{problem}");
        assert!(text.contains("1 accepted"), "{path}: {text}");
    }
    folder
        .write("shop/.airside-exceptions", "read-secrets path=shop/deploy/*: no path from here\n");
    let (status, text, _) = folder.scan(&["shop"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("covers no file that was scanned: `path=shop/deploy/*`"), "{text}");
}

#[test]
fn hidden_folders_are_not_read_and_told() {
    let folder = Folder::with(&[(".k8s/role.yaml", ROLE), (".git/a.yaml", ROLE)]);
    let (status, text, remark) = folder.scan(&["."]);
    assert_eq!(status, 0, "{text}{remark}");
    assert!(remark.contains("not scanned: a hidden folder, `.k8s`; name it as a PATH"), "{remark}");
    assert!(
        remark.contains("no file in `.` ends in .yaml, .yml, .json, but for hidden"),
        "{remark}"
    );
    let (_, text, _) = folder.scan(&[".", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(told["left_out"].to_string().contains("a hidden folder, `.k8s`"), "{told}");
    let (status, text, remark) = folder.scan(&[".", ".k8s"]);
    assert_eq!(status, 1, "{text}{remark}");
}

#[test]
fn what_is_named_twice_is_read_once() {
    let folder = Folder::with(&[("a/role.yaml", ROLE)]);
    let (_, once, _) = folder.scan(&["a"]);
    for paths in [["a", "a/role.yaml"], ["a/role.yaml", "."], ["a", "./a"]] {
        let (_, text, remark) = folder.scan(&paths);
        assert_eq!(text, once, "{paths:?}: {remark}");
        assert_eq!(remark.matches("no file").count(), 0, "{remark}");
    }
}

#[test]
fn what_is_excluded_is_not_read_and_counted() {
    let folder = Folder::with(&[
        ("a/role.yaml", ROLE),
        ("node_modules/x/role.yaml", ROLE),
        ("a/old/role.yaml", "a: ["),
        ("b.test.yaml", "a: ["),
    ]);
    folder.write(".airside.toml", "[scan]\nexclude = [\"*.test.yaml\"]\n");
    let arguments = [".", "--exclude", "node_modules", "--exclude", "a/old"];
    let (status, text, remark) = folder.scan(&arguments);
    assert_eq!(status, 1, "{text}{remark}");
    assert!(text.contains("in 1 object of 1 file"), "{text}");
    assert!(remark.contains("excluded: 3 paths"), "{remark}");
    let (status, _, problem) = folder.scan(&[".", "--exclude", "["]);
    assert_eq!(status, 2);
    assert!(problem.contains("`[` is no pattern to exclude by"), "{problem}");
}

#[test]
fn benchmarks_are_listed_without_anything_to_read() {
    let folder = Folder::with(&[]);
    let (status, text, problem) = folder.scan(&["--compliance", "list"]);
    assert_eq!(status, 0, "{problem}");
    assert!(text.contains("pci-dss"), "{text}");
    let (status, _, problem) = folder.scan(&["--compliance", "nsa-cisa"]);
    assert_eq!(status, 2);
    assert!(problem.contains("of what? Name a PATH"), "{problem}");
}

#[test]
fn patches_of_a_kustomization_are_no_manifests() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}\n";
    let folder = Folder::with(&[
        ("base/pod.yaml", pod),
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("over/host.yaml", &pod.replace("{containers", "{hostPID: true, containers")),
        (
            "over/kustomization.yaml",
            "resources: [../base]\npatches: [{path: host.yaml}, {path: op.yaml}]\n",
        ),
        ("over/op.yaml", "- {op: remove, path: /spec/hostPID}\n"),
    ]);
    let (status, text, remark) = folder.scan(&[".", "--min-severity", "high"]);
    assert_eq!(status, 0, "{text}");
    let foreign = "not all Kubernetes objects: base/kustomization.yaml, over/kustomization.yaml\n";
    assert!(text.contains(foreign) && !text.contains("over/host.yaml"), "{text}");
    let told = "kustomizations were read as plain files, without 2 patches: `base`, `over`; name one as a PATH";
    assert!(remark.contains(told), "{remark}");
}

/// No output may hold the value of a credential, whatever finding its line belongs to.
#[test]
fn no_output_shows_a_credential() {
    const VALUE: &str = "mXq7Dune88Kettle";
    let manifest = format!(
        r#"apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - {{name: a, image: web, env: [{{name: DB_PASSWORD, value: "{VALUE}"}}], securityContext: {{privileged: true}}}}
  - name: b
    image: web
    command: [sh, -c, "mysql -uroot -p{VALUE} -h db"]
    args: ["--password={VALUE}", --token, {VALUE}]
    livenessProbe:
      httpGet: {{port: 80, httpHeaders: [{{name: Authorization, value: "Basic YWRtaW46bVhxN0R1bmU4OEtldHRsZQ=="}}]}}
    securityContext:
      privileged: true
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: web}}
data:
  app.properties: |
    db.url=postgres://admin:{VALUE}@db.internal:5432/x
    password={VALUE}
---
apiVersion: v1
kind: Secret
metadata:
  name: web
  annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{{"kind":"Secret","stringData":{{"word":"{VALUE}"}}}}'}}
stringData: {{word: {VALUE}}}
"#
    );
    let folder = Folder::with(&[("web.yaml", &manifest)]);
    let shows =
        |text: &str| text.contains(VALUE) || text.contains("YWRtaW46bVhxN0R1bmU4OEtldHRsZQ");
    for format in ["text", "json", "sarif", "junit", "markdown", "html"] {
        let arguments = ["web.yaml", "--min-severity", "info", "--output", format];
        let (status, text, problem) = folder.scan(&arguments);
        assert_eq!(status, 1, "{problem}");
        assert!(text.contains("credential-in-env"), "{format}: the credential is found: {text}");
        assert!(!shows(&text) && !shows(&problem), "{format}: {text}{problem}");
    }
    let (_, diff, remark) = folder.scan(&["web.yaml", "--fix", "--dry-run"]);
    assert!(diff.contains("+    seccompProfile:") && !shows(&diff), "{diff}");
    assert!(remark.contains("is no patch to apply"), "{remark}");
    folder.scan(&["web.yaml", "--fix"]);
    let (written, before) = (folder.read("web.yaml"), manifest.matches(VALUE).count());
    assert_eq!(written.matches(VALUE).count(), before, "what is written has them all: {written}");
}

#[test]
fn an_image_has_what_its_report_says_and_a_vulnerability_names_its_workloads() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: 'shop/web:1.2.3'}]}\n";
    let report = r#"{"SchemaVersion": 2, "ArtifactName": "shop/web:1.2.3", "ArtifactType": "container_image",
        "Results": [{"Target": "web", "Class": "lang-pkgs", "Type": "gobinary", "Vulnerabilities": [
            {"VulnerabilityID": "CVE-2099-1", "PkgName": "parser", "InstalledVersion": "1.0.0",
             "FixedVersion": "1.0.1", "Severity": "CRITICAL"}]}]}"#;
    let folder = Folder::with(&[("pod.yaml", pod), ("report.json", report)]);
    let with = ["pod.yaml", "--vulnerabilities", "report.json"];
    let (status, text, _) = folder.scan(&with);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("critical: Image has known vulnerabilities"), "{text}");
    assert!(text.contains("CVE-2099-1, fixed in 1.0.1"), "{text}");
    let (status, text, _) =
        folder.scan(&[&["affected", "--cve", "CVE-2099-1"], &with[..]].concat());
    assert_eq!(status, 1, "{text}");
    insta::assert_snapshot!(text, @"
    Pod web, container `web`: parser 1.0.0, fixed in 1.0.1
      pod.yaml:4:33
    ");
    // Known, and nobody is affected.
    let other = ["pod.yaml"];
    let known = folder.scan(&[&["affected", "--cve", "CVE-2025-1974"], &other[..]].concat());
    assert_eq!(known.0, 0, "{}", known.1);
    assert!(known.1.contains("CVE-2025-1974 is known, and nothing in the input"), "{}", known.1);
    let (status, text, _) =
        folder.scan(&[&["affected", "--cve", "CVE-2099-2"], &with[..]].concat());
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("CVE-2099-2 is not known: it is neither in the data on components of"));
    let (status, _, problem) = folder.scan(&[&["affected", "--cve", "foo"], &with[..]].concat());
    assert_eq!(status, 2);
    assert!(problem.contains("`foo` is no id of a vulnerability"), "{problem}");
}

#[test]
fn whether_one_can_connect_to_another_is_told_with_the_reasons() {
    let folder = Folder::with(&[("shop.yaml", SHOP)]);
    let reach = |from: &str, to: &str| folder.scan(&["shop.yaml", "--reach", from, to]);
    let (status, text, _) = reach("shop/web", "db:5432");
    assert_eq!(status, 0);
    insta::assert_snapshot!(text, @"
    Pod shop/web → Pod shop/db: cannot connect
      no NetworkPolicy for egress selects the source
      NetworkPolicy shop/db has no ingress rule that lets it through shop.yaml:21:3
    ");
    let (status, text, _) = reach("internet", "web");
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @"
    internet → Pod shop/web: can connect
      a way in: Service shop/web
      no NetworkPolicy for ingress selects the target
    ");
    let (status, text, _) = reach("shop/web", "169.254.169.254:80");
    assert_eq!(status, 1);
    insta::assert_snapshot!(text, @"
    Pod shop/web → 169.254.169.254: can connect
      no NetworkPolicy for egress selects the source
    ");
    let (status, _, problem) = reach("shop/web", "shop/cache");
    assert_eq!(status, 2);
    assert!(problem.contains("no pods of `shop/cache`"), "{problem}");
}

#[test]
fn a_benchmark_is_told_control_by_control() {
    let folder = Folder::with(&[("role.yaml", ROLE)]);
    let (status, text, _) = folder.scan(&["role.yaml", "--compliance", "cis-v1.12.0"]);
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("5.1.2") && text.contains("role.yaml:6:15"), "{text}");
    let (status, _, problem) = folder.scan(&["role.yaml", "--compliance", "cis-v9"]);
    assert_eq!(status, 2);
    assert!(problem.contains("there is no framework `cis-v9`") && problem.contains("pci-dss-4.0"));
}

#[test]
fn a_cluster_that_is_not_known_is_told_with_what_to_correct() {
    let folder = Folder::with(&[("role.yaml", ROLE), ("config", "apiVersion: v1\nkind: Config\n")]);
    let (status, _, problem) = folder.scan(&["--live", "--kubeconfig", "absent"]);
    assert_eq!(status, 2);
    assert!(
        problem.contains("the cluster is not known") && problem.contains("absent"),
        "{problem}"
    );
    let (status, _, problem) =
        folder.scan(&["--live", "--kubeconfig", "config", "--context", "prod"]);
    assert_eq!(status, 2);
    assert!(problem.contains("prod"), "{problem}");
    let (status, _, problem) = folder.scan(&["role.yaml", "--live", "--publish"]);
    assert_eq!(status, 2);
    assert!(problem.contains("--live with PATH compares"), "{problem}");
    let (status, _, problem) = folder.scan(&["role.yaml", "--context", "prod"]);
    assert_eq!(status, 2);
    assert!(problem.contains("--live"), "{problem}");
}

#[test]
fn an_exception_for_another_tool_is_remarked_on_once() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostPID: true # trivy:ignore:KSV-0010\n  \
               hostIPC: true # trivy:ignore:KSV-0008\n";
    let folder = Folder::with(&[("pod.yaml", pod)]);
    let (status, text, remark) = folder.scan(&["pod.yaml"]);
    assert_eq!(status, 1, "{text}");
    let told = "pod.yaml:5: an exception for trivy (and 1 more) does not hold here; write \
                `# airside:ignore host-pid: REASON`";
    assert_eq!(remark.matches("an exception for").count(), 1, "{remark}");
    assert!(remark.contains(told), "{remark}");
}

//! The forms, as their readers see them: each tells the same scan of two small files.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use airside_checks::exception::comments;
use airside_checks::{CheckIn, InputFile, Selection, Terms, catalogue, check_in, teach};
use airside_k8s::yaml::{self, Limits};
use airside_report::{Report, Sources, Unreadable, html, json, junit, lesson, markdown, sarif};
use airside_types::{Cluster, Id, Place, Severity, Tenant};
use airside_vulnerability::join::Facts;
use serde_json::Value;

const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: \"<b>&reader\"}
rules:
- {apiGroups: [''], resources: [secrets], verbs: [get]}
- {apiGroups: [''], resources: [secrets], verbs: [list]} # airside:ignore read-secrets: it backs them up
# airside:ignore host-path: nothing
";

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: b}\n";

fn checked() -> CheckIn {
    let read = [("a b/role.yaml", ROLE), ("map.yaml", MAP)].map(|(path, text)| {
        (path, yaml::parse(text, &Limits::default()).documents, comments(path, text))
    });
    let files: Vec<_> = read
        .iter()
        .map(|(path, documents, comments)| InputFile { path, documents, comments })
        .collect();
    check_in(&files, &Terms::new(&Tenant::default(), &Cluster::default(), Severity::High))
}

/// What a report says of the scan, compared with a baseline or not.
fn told<T>(baseline: Option<&BTreeSet<Id>>, form: impl Fn(&Report<'_>) -> T) -> T {
    let checked = checked();
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    let ids: Vec<_> = checked.findings.iter().map(|it| it.id(&tenant, &cluster)).collect();
    let place = Place { path: "broken.yaml".into(), line: 3, column: 0 };
    form(&Report {
        version: "1.2.3",
        files: 3,
        findings: &checked.findings,
        ids: &ids,
        baseline,
        objects: &checked.objects,
        passes: &checked.passes,
        accepted: &checked.accepted,
        ineffective: &checked.ineffective,
        not_evaluated: Vec::new(),
        unreadable: vec![Unreadable { place: &place, reason: "a key without a value" }],
        problems: &[],
        left_out: &[],
        sources: Sources::default(),
        fail_on: Severity::Medium,
        owner: None,
        selection: Selection::EVERYTHING,
        remark: Selection::EVERYTHING.remark(),
        facts: Facts::default(),
    })
}

fn value(report: impl serde::Serialize) -> Value {
    serde_json::to_value(report).expect("a report is JSON")
}

fn all_ids() -> BTreeSet<Id> {
    told(None, |report| report.ids.iter().copied().collect())
}

#[test]
fn sarif_keeps_to_its_schema() {
    let mut schema: Value =
        serde_json::from_str(include_str!("sarif-2.1.0.schema.json")).expect("JSON");
    // The schema's expression for languages has a bracket too many, which only ECMAScript overlooks.
    for holder in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][holder]["properties"]["language"];
        language.as_object_mut().expect("a property").remove("pattern").expect("still broken");
    }
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for baseline in [None, Some(all_ids())] {
        let log = told(baseline.as_ref(), |it| value(sarif::report(it)));
        let errors: Vec<_> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{log:#}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })));
}

#[test]
fn sarif_tells_places_states_and_what_is_accepted() {
    let log = told(Some(&BTreeSet::new()), |it| value(sarif::report(it)));
    let results = log["runs"][0]["results"].as_array().expect("results");
    let shown: Vec<_> = results
        .iter()
        .map(|result| {
            let location = &result["locations"][0]["physicalLocation"];
            format!(
                "{} {} {}:{} {} {}",
                result["ruleId"].as_str().expect("a rule"),
                result["level"].as_str().expect("a level"),
                location["artifactLocation"]["uri"].as_str().expect("a URI"),
                location["region"]["startLine"],
                result["baselineState"],
                result["suppressions"][0]["justification"],
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    read-secrets error a%20b/role.yaml:5 "new" null
    role-without-binding note a%20b/role.yaml:3 "new" null
    read-secrets error a%20b/role.yaml:6 null "it backs them up"
    "#);
    let known = told(Some(&all_ids()), |it| value(sarif::report(it)));
    assert_eq!(known["runs"][0]["results"][0]["baselineState"], "unchanged");
}

#[test]
fn junit_has_a_test_for_each_object() {
    let text = told(None, |report| junit::report(report).expect("XML"));
    insta::assert_snapshot!(text, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="airside scan" tests="3" skipped="0" failures="1" errors="1">
        <testsuite name="a b/role.yaml" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="ClusterRole &lt;b&gt;&amp;reader" classname="rbac.authorization.k8s.io/v1">
                <failure message="1 findings of medium or worse">a b/role.yaml:5:33 high: rule 0 can read secrets (get) (read-secrets)
    </failure>
                <system-out>a b/role.yaml:3:12 info: no binding gives the ClusterRole `&lt;b&gt;&amp;reader` (role-without-binding)
    </system-out>
            </testcase>
        </testsuite>
        <testsuite name="broken.yaml" tests="1" skipped="0" errors="1" failures="0">
            <testcase name="readable at broken.yaml:3">
                <error message="a key without a value"/>
            </testcase>
        </testsuite>
        <testsuite name="map.yaml" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="ConfigMap m" classname="v1"/>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn markdown_keeps_what_manifests_bring_as_text() {
    insta::assert_snapshot!(told(None, markdown::report), @"
    ## ❌ Airside scan

    Something could not be read and was not checked: see below.

    | severity | findings |
    |---|---:|
    | high | 1 |
    | info | 1 |

    1 accepted.

    <details><summary><b>high</b> Role can read secrets (<code>read-secrets</code>, 1)</summary>

    list and watch return the content as get does. Secrets hold tokens of service accounts and credentials of other systems: with them one right becomes many.

    **Fix.** Remove secrets from the rule, or limit it with resourceNames to the secrets that are meant; let pods mount secrets instead of reading them.

    Read on: [RBAC authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/), [ATT&amp;CK T1552.007: Unsecured Credentials: Container API](https://attack.mitre.org/techniques/T1552/007/); `airside explain read-secrets`.

    - `a b/role.yaml:5:33` ClusterRole &lt;b>&amp;reader: rule 0 can read secrets (get)

    </details>

    <details><summary><b>info</b> Role that nobody has (<code>role-without-binding</code>, 1)</summary>

    It is left over, or its binding is missing; unused rights are given away without a second look.

    **Fix.** Delete it, or bind it.

    Read on: [RBAC authorization](https://kubernetes.io/docs/reference/access-authn-authz/rbac/); `airside explain role-without-binding`.

    - `a b/role.yaml:3:12` ClusterRole &lt;b>&amp;reader: no binding gives the ClusterRole `&lt;b>&amp;reader`

    </details>

    ### Not as meant

    - `broken.yaml:3` a key without a value
    - `a b/role.yaml:7:3` the exception for host-path covers nothing that fails: remove it
    ");
    insta::assert_snapshot!(told(Some(&all_ids()), markdown::report), @"
    ## ⚠️ Airside scan

    Something could not be read and was not checked: see below.

    No new findings in 2 objects of 3 files.

    2 known before, 1 accepted.

    ### Not as meant

    - `broken.yaml:3` a key without a value
    - `a b/role.yaml:7:3` the exception for host-path covers nothing that fails: remove it
    ");
}

#[test]
fn html_keeps_what_manifests_bring_as_text() {
    let page = told(None, html::report);
    assert!(page.contains("ClusterRole &lt;b&gt;&amp;reader"), "{page}");
    assert!(!page.contains("<b>&reader"), "{page}");
    assert!(page.contains("it backs them up") && page.contains("a key without a value"), "{page}");
}

#[test]
fn every_check_has_its_place_on_the_page_of_the_catalogue() {
    let page = lesson::page(catalogue::listed());
    for check in catalogue::listed() {
        assert!(page.contains(&format!("\n`{}`, ", check.id)), "{}", check.id);
        let fences = lesson::markdown(check).matches("```").count();
        let forms = teach::lesson(check);
        let blocks = 1 + usize::from(forms.helm.is_ok()) + usize::from(forms.kustomize.is_ok());
        assert_eq!(fences, 2 * blocks, "{}: a block that ends early", check.id);
    }
}

#[test]
fn reports_teach_what_explain_teaches() {
    let log = told(None, |it| value(sarif::report(it)));
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    let help = rule["help"]["markdown"].as_str().expect("help");
    let page = told(None, html::report);
    for part in ["T1552.007", "kustomization.yaml", "helm show values"] {
        assert!(help.contains(part) && page.contains(part), "{part}: {help}\n{page}");
    }
    assert!(rule["helpUri"].as_str().is_some_and(|url| url.starts_with("https://kubernetes.io/")));
}

#[test]
fn json_has_everything() {
    let report = told(Some(&all_ids()), |it| value(json::report(it)));
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(all_ids().len()));
    let finding = &report["findings"][0];
    assert_eq!(finding["known"], true);
    assert_eq!(finding["fingerprint"].as_str().map(str::len), Some(32));
    assert_eq!(finding["resource"]["apiVersion"], "rbac.authorization.k8s.io/v1");
    assert_eq!(report["accepted"][0]["reason"], "it backs them up");
    assert_eq!(report["unreadable"][0]["location"]["line"], 3);
    assert_eq!(report["ineffective_exceptions"].as_array().map(Vec::len), Some(1));
    let alone = told(None, |it| value(json::report(it)));
    assert!(alone["findings"][0].get("known").is_none(), "there is nothing to compare with");
}

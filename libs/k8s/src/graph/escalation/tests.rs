//! Ways to the administrator and to the cloud, as they are told; those over nodes are in `tests/nodes.rs`.

mod nodes;

use super::*;
use crate::graph::Completeness;
use crate::json;
use crate::rbac::GROUP;
use crate::value::Value;

fn role(kind: &str, namespace: Option<&str>, name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": { "name": name, "namespace": namespace }, "rules": rules,
    })
}

fn binding(namespace: Option<&str>, role: (&str, &str), subject: &Value) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": { "name": role.1, "namespace": namespace },
        "roleRef": { "kind": role.0, "name": role.1 }, "subjects": [subject],
    })
}

fn account(namespace: &str, name: &str) -> Value {
    json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> Value {
    json!({ "verbs": verbs, "apiGroups": [group], "resources": resources })
}

fn pod(namespace: &str, name: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "serviceAccountName": account, "containers": [{ "name": "c", "image": "c" }] },
    })
}

/// A Secret that Kubernetes has put an account's token into.
fn token(namespace: &str, account: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "t", "namespace": namespace,
            "annotations": { "kubernetes.io/service-account.name": account },
        },
    })
}

/// The way of a bearer to the administrator, a step a line; `no way` where there is none.
fn way(values: &[Value], bearer: Bearer<'_>) -> String {
    way_to(Goal::Administrator, values, Standing::Bearer(bearer))
}

fn way_to(goal: Goal, values: &[Value], from: Standing<'_>) -> String {
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    let graph = Graph::new(&objects, Completeness::WholeInput);
    let steps = graph.way(goal, from);
    if steps.is_empty() {
        return "no way".to_owned();
    }
    let shown: Vec<_> =
        steps.iter().map(|step| format!("{} {} {}", step.from, step.how.verb(), step.to)).collect();
    shown.join("\n")
}

const WEB: Bearer<'static> = Bearer::ServiceAccount(Some("shop"), "web");

/// What a rule gives the account shop/web, by a ClusterRole bound in the cluster or in a namespace.
fn with_rules(rules: &Value, namespace: Option<&str>, more: &[Value]) -> String {
    let mut values = vec![
        role("ClusterRole", None, "own", rules),
        binding(namespace, ("ClusterRole", "own"), &account("shop", "web")),
    ];
    values.extend_from_slice(more);
    way(&values, WEB)
}

#[test]
fn each_right_that_leads_on_is_a_step() {
    const RBAC: &str = GROUP;
    const ADMISSION: &str = "admissionregistration.k8s.io";
    for (rules, first) in [
        (json!([rule(&["*"], "*", &["*"])]), "may do everything, as administrator of the cluster"),
        (json!([rule(&["create"], "", &["pods"])]), "starts pods that run as any service account"),
        (json!([rule(&["patch"], "apps", &["deployments"])]), "starts pods that run as any"),
        (
            json!([
                rule(&["bind"], RBAC, &["clusterroles"]),
                // A binding that is there takes another subject.
                rule(&["patch"], RBAC, &["clusterrolebindings"]),
            ]),
            "binds any role to itself",
        ),
        (json!([rule(&["create"], "", &["serviceaccounts/token"])]), "requests a token of any"),
        (json!([rule(&["impersonate"], "", &["groups"])]), "impersonates administrator"),
        (json!([rule(&["impersonate"], "", &["users"])]), "impersonates any service account"),
        (json!([rule(&["impersonate"], "", &["serviceaccounts"])]), "impersonates any service"),
        (json!([rule(&["escalate", "update"], RBAC, &["clusterroles"])]), "adds rights to a role"),
        (
            json!([
                rule(&["bind"], RBAC, &["clusterroles"]),
                rule(&["create"], RBAC, &["clusterrolebindings"]),
            ]),
            "binds any role to itself",
        ),
        (
            json!([rule(&["create"], ADMISSION, &["mutatingwebhookconfigurations"])]),
            "changes new pods by a webhook",
        ),
    ] {
        let way = with_rules(&rules, None, &[]);
        assert!(way.starts_with(&format!("service account shop/web {first}")), "{rules}: {way}");
        assert!(way.ends_with("administrator of the cluster"), "{rules}: {way}");
    }
}

#[test]
fn what_lacks_a_part_or_is_limited_leads_nowhere() {
    const RBAC: &str = GROUP;
    let named = |mut rule: Value, names: &[&str]| {
        rule["resourceNames"] = json!(names);
        json!([rule])
    };
    for rules in [
        json!([rule(&["get", "list"], "", &["pods", "configmaps"])]),
        json!([rule(&["escalate"], RBAC, &["clusterroles"])]),
        json!([rule(&["bind"], RBAC, &["clusterroles"])]),
        json!([rule(&["create"], RBAC, &["clusterrolebindings", "rolebindings"])]),
        json!([rule(&["get"], "", &["secrets"])]),
        json!([rule(&["create"], "", &["pods/exec"])]),
        json!([rule(&["create"], "", &["secrets"])]),
        json!([rule(&["create"], "", &["persistentvolumes", "persistentvolumeclaims"])]),
        named(rule(&["impersonate"], "", &["users"]), &["ada"]),
        named(rule(&["bind"], RBAC, &["clusterroles"]), &["view"]),
    ] {
        assert_eq!(with_rules(&rules, None, &[]), "no way", "{rules}");
    }
    let create_pods = json!([rule(&["create"], "", &["pods"])]);
    assert_eq!(with_rules(&create_pods, Some("shop"), &[]), "no way", "nobody there has more");
}

#[test]
fn steps_are_joined_over_accounts_pods_and_groups() {
    let everything = json!([rule(&["*"], "*", &["*"])]);
    let strong = [
        role("ClusterRole", None, "all", &everything),
        binding(None, ("ClusterRole", "all"), &account("shop", "operator")),
    ];
    let create_pods = json!([rule(&["create"], "", &["pods"])]);
    insta::assert_snapshot!(with_rules(&create_pods, Some("shop"), &strong), @"
    service account shop/web starts pods that run as any service account of namespace shop
    any service account of namespace shop such as service account shop/operator
    service account shop/operator may do everything, as administrator of the cluster
    ");
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    assert_eq!(with_rules(&exec, Some("shop"), &strong), "no way", "no pod of it is in the input");
    let replace = json!([rule(&["patch"], "", &["pods"])]);
    assert_eq!(
        with_rules(&replace, Some("shop"), &strong),
        "no way",
        "no pod of it is in the input"
    );
    let mut running = strong.to_vec();
    running.push(pod("shop", "operator-1", "operator"));
    insta::assert_snapshot!(with_rules(&exec, Some("shop"), &running), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace shop
    any pod of namespace shop such as service account shop/operator
    service account shop/operator may do everything, as administrator of the cluster
    ");
    insta::assert_snapshot!(with_rules(&replace, Some("shop"), &running), @"
    service account shop/web puts an image of its own into pods that run, and takes the token of any pod of namespace shop
    any pod of namespace shop such as service account shop/operator
    service account shop/operator may do everything, as administrator of the cluster
    ");
    let read = json!([rule(&["get"], "", &["secrets"])]);
    let with_token = [strong.to_vec(), vec![token("shop", "operator")]].concat();
    insta::assert_snapshot!(with_rules(&read, Some("shop"), &with_token), @"
    service account shop/web reads the token Secret of service account shop/operator
    service account shop/operator may do everything, as administrator of the cluster
    ");
    let group = json!({ "kind": "Group", "name": "system:serviceaccounts:shop" });
    let by_group = [
        role("ClusterRole", None, "all", &everything),
        binding(None, ("ClusterRole", "all"), &group),
        pod("shop", "web-1", "web"),
    ];
    insta::assert_snapshot!(way(&by_group, WEB), @"
    service account shop/web belongs to group system:serviceaccounts:shop
    group system:serviceaccounts:shop may do everything, as administrator of the cluster
    ");
}

#[test]
fn built_in_roles_are_known_without_their_manifest() {
    let user = json!({ "kind": "User", "name": "ada" });
    let ada = Bearer::User("ada");
    insta::assert_snapshot!(way(&[binding(None, ("ClusterRole", "cluster-admin"), &user)], ada), @"user ada may do everything, as administrator of the cluster");
    insta::assert_snapshot!(way(&[binding(None, ("ClusterRole", "edit"), &user)], ada), @"
    user ada starts pods that run as any service account of the cluster
    any service account of the cluster takes the account of a controller, and is administrator of the cluster
    ");
    assert_eq!(way(&[binding(None, ("ClusterRole", "view"), &user)], ada), "no way");
    insta::assert_snapshot!(way(&[binding(Some("kube-system"), ("ClusterRole", "edit"), &user)], ada), @"
    user ada starts pods that run as any service account of namespace kube-system
    any service account of namespace kube-system takes the account of a controller, and is administrator of the cluster
    ");
    assert_eq!(
        way(&[binding(Some("shop"), ("ClusterRole", "cluster-admin"), &user)], ada),
        "no way"
    );
}

#[test]
fn a_built_in_role_has_what_roles_of_the_input_add_to_it() {
    let user = json!({ "kind": "User", "name": "ada" });
    let with_label = |label: &str, bound: &str| {
        let mut more =
            role("ClusterRole", None, "more", &json!([rule(&["create"], "", &["pods"])]));
        more["metadata"]["labels"] =
            json!({ (format!("rbac.authorization.k8s.io/aggregate-to-{label}")): "true" });
        way(&[more, binding(None, ("ClusterRole", bound), &user)], Bearer::User("ada"))
    };
    assert!(with_label("view", "view").starts_with("user ada starts pods"));
    assert_eq!(with_label("edit", "view"), "no way", "the weaker role does not take it over");
}

#[test]
fn a_role_that_its_holder_may_change_and_raise_gives_everything() {
    let raising = |verbs: &[&str], name: &str| {
        let mut rule = rule(verbs, GROUP, &["clusterroles"]);
        rule["resourceNames"] = json!([name]);
        with_rules(&json!([rule]), None, &[])
    };
    assert_eq!(
        raising(&["update", "escalate"], "own"),
        "service account shop/web adds rights to a role that it has, and is administrator of the cluster"
    );
    assert_eq!(raising(&["update", "escalate"], "another"), "no way", "it does not have that");
    assert_eq!(raising(&["escalate"], "own"), "no way", "it cannot change it");
    let mut of_role = rule(&["patch", "escalate"], GROUP, &["roles"]);
    of_role["resourceNames"] = json!(["own"]);
    let held = [
        role("Role", Some("ops"), "own", &json!([of_role])),
        binding(Some("ops"), ("Role", "own"), &account("shop", "web")),
    ];
    insta::assert_snapshot!(way(&[&held[..], &operator()].concat(), WEB), @"
    service account shop/web adds rights to a role that it has, and is any service account of namespace ops
    any service account of namespace ops such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
}

#[test]
fn a_role_that_may_be_bound_by_its_name_counts_by_what_it_allows() {
    let binding_role = |rules: &Value| {
        let mut bind = rule(&["bind"], GROUP, &["clusterroles"]);
        bind["resourceNames"] = json!(["other"]);
        let own = json!([bind, rule(&["create"], GROUP, &["clusterrolebindings"])]);
        with_rules(&own, None, &[role("ClusterRole", None, "other", rules)])
    };
    assert_eq!(
        binding_role(&json!([rule(&["*"], "*", &["*"])])),
        "service account shop/web binds a role with all rights to itself, and is administrator of the cluster"
    );
    assert_eq!(binding_role(&json!([rule(&["get"], "", &["pods"])])), "no way");
}

#[test]
fn accounts_of_the_control_plane_are_known_by_their_names() {
    let of_account = |name: &str| {
        let mut token = rule(&["create"], "", &["serviceaccounts/token"]);
        token["resourceNames"] = json!([name]);
        with_rules(&json!([token]), Some("kube-system"), &[])
    };
    insta::assert_snapshot!(of_account("clusterrole-aggregation-controller"), @"
    service account shop/web requests a token of service account kube-system/clusterrole-aggregation-controller
    service account kube-system/clusterrole-aggregation-controller adds rights to a role, and is administrator of the cluster
    ");
    assert!(of_account("job-controller").contains("job-controller starts pods that run as any"));
    assert_eq!(of_account("ttl-controller"), "no way");
}

#[test]
fn an_account_without_a_namespace_is_found_in_any() {
    let values = [binding(None, ("ClusterRole", "cluster-admin"), &account("shop", "web"))];
    assert_ne!(way(&values, Bearer::ServiceAccount(None, "web")), "no way");
    assert_eq!(way(&values, Bearer::ServiceAccount(Some("bank"), "web")), "no way");
}

#[test]
fn a_pod_leads_on_only_where_it_may_hold_the_token_of_its_account() {
    let enter = json!([rule(&["create"], "", &["pods/exec"])]);
    let admin = binding(None, ("ClusterRole", "cluster-admin"), &account("shop", "strong"));
    let mut pod = pod("shop", "p", "strong");
    let way = |pod: &Value| with_rules(&enter, Some("shop"), &[pod.clone(), admin.clone()]);
    assert!(way(&pod).contains("any pod of namespace shop such as service account shop/strong"));
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    assert_eq!(way(&pod), "no way");
    let source = json!({ "serviceAccountToken": { "path": "token" } });
    pod["spec"]["volumes"] = json!([{ "name": "t", "projected": { "sources": [source] } }]);
    assert!(way(&pod).contains("any pod of namespace shop such as service account shop/strong"));
}

#[test]
fn an_account_is_named_by_its_user_name_as_well() {
    let user = json!({ "kind": "User", "name": "system:serviceaccount:shop:web" });
    let values = [binding(None, ("ClusterRole", "cluster-admin"), &user)];
    assert_eq!(
        way(&values, WEB),
        "service account shop/web may do everything, as administrator of the cluster"
    );
}

/// An account that may do everything, and a pod of it, in a namespace of their own.
fn operator() -> [Value; 2] {
    [
        binding(None, ("ClusterRole", "cluster-admin"), &account("ops", "operator")),
        pod("ops", "operator-1", "operator"),
    ]
}

#[test]
fn who_starts_pods_of_any_kind_chooses_their_account() {
    for (group, resource) in [
        ("argoproj.io", "workflows"),
        ("argoproj.io", "cronworkflows"),
        ("tekton.dev", "taskruns"),
        ("batch", "jobs"),
        ("serving.knative.dev", "services"),
        ("sparkoperator.k8s.io", "sparkapplications"),
    ] {
        let way = with_rules(&json!([rule(&["create"], group, &[resource])]), None, &[]);
        assert!(way.contains("starts pods that run as"), "{group} {resource}: {way}");
    }
    for nothing in [
        rule(&["get"], "argoproj.io", &["workflows"]),
        // The template of a Job that is there cannot be changed.
        rule(&["update", "patch"], "batch", &["jobs"]),
    ] {
        assert_eq!(with_rules(&json!([nothing]), None, &[]), "no way", "{nothing}");
    }
}

#[test]
fn who_writes_and_reads_secrets_has_a_token_made() {
    let secrets = json!([rule(&["create"], "", &["secrets"]), rule(&["get"], "", &["secrets"])]);
    insta::assert_snapshot!(with_rules(&secrets, Some("ops"), &operator()), @"
    service account shop/web has a token put into a Secret of its own, of any service account of namespace ops
    any service account of namespace ops such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
}

fn trusted(namespace: &str, name: &str, annotation: &str, identity: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {
            "name": name, "namespace": namespace, "annotations": { annotation: identity },
        },
    })
}

#[test]
fn an_account_that_the_cloud_trusts_is_reached_by_its_pods_and_by_tokens_made_for_them() {
    let account_of = |name| trusted("ops", "backup", name, "backup-identity");
    let to_cloud = |rules: &Value, more: &[Value]| {
        let mut values = vec![
            role("ClusterRole", None, "own", rules),
            binding(Some("ops"), ("ClusterRole", "own"), &account("shop", "web")),
        ];
        values.extend_from_slice(more);
        way_to(Goal::Cloud, &values, Standing::Bearer(WEB))
    };
    let jobs = json!([rule(&["create"], "batch", &["jobs"])]);
    insta::assert_snapshot!(to_cloud(&jobs, &[account_of("eks.amazonaws.com/role-arn")]), @"
    service account shop/web starts pods that run as any service account of namespace ops
    any service account of namespace ops such as service account ops/backup
    service account ops/backup is trusted by the cloud as AWS role backup-identity
    ");
    let tokens = json!([rule(&["create"], "", &["serviceaccounts/token"])]);
    insta::assert_snapshot!(to_cloud(&tokens, &[account_of("iam.gke.io/gcp-service-account")]), @"
    service account shop/web requests a token of any service account of namespace ops
    any service account of namespace ops such as service account ops/backup
    service account ops/backup is trusted by the cloud as Google Cloud service account backup-identity
    ");
    let azure = account_of("azure.workload.identity/client-id");
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    assert_eq!(to_cloud(&exec, std::slice::from_ref(&azure)), "no way", "no pod runs with it");
    let running = [azure, pod("ops", "backup-1", "backup")];
    insta::assert_snapshot!(to_cloud(&exec, &running), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace ops
    any pod of namespace ops such as service account ops/backup
    service account ops/backup is trusted by the cloud as Azure identity backup-identity
    ");
    insta::assert_snapshot!(way_to(Goal::Cloud, &running, Standing::Nodes), @"
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/backup
    service account ops/backup is trusted by the cloud as Azure identity backup-identity
    ");
    // The cloud takes no token that is made for the API server alone.
    for rules in [
        json!([rule(&["impersonate"], "", &["serviceaccounts"])]),
        json!([rule(&["create", "get"], "", &["secrets"])]),
    ] {
        assert_eq!(to_cloud(&rules, &running), "no way", "{rules}");
    }
    assert_eq!(to_cloud(&jobs, &[trusted("ops", "backup", "example.com/role", "x")]), "no way");
}

/// Who acts as an account at the API server has its rights, though not its pods.
#[test]
fn an_account_that_is_only_impersonated_may_start_pods_that_the_cloud_trusts() {
    let values = [
        role(
            "Role",
            Some("shop"),
            "act",
            &json!([rule(&["impersonate"], "", &["serviceaccounts"])]),
        ),
        binding(Some("shop"), ("Role", "act"), &account("shop", "web")),
        role("Role", Some("ops"), "run", &json!([rule(&["create"], "", &["pods"])])),
        binding(Some("ops"), ("Role", "run"), &account("shop", "runner")),
        trusted("ops", "backup", "eks.amazonaws.com/role-arn", "backup"),
    ];
    insta::assert_snapshot!(way_to(Goal::Cloud, &values, Standing::Bearer(WEB)), @"
    service account shop/web impersonates any service account of namespace shop
    any service account of namespace shop such as service account shop/runner
    service account shop/runner starts pods that run as any service account of namespace ops
    any service account of namespace ops such as service account ops/backup
    service account ops/backup is trusted by the cloud as AWS role backup
    ");
}

#[test]
fn the_configmap_of_eks_makes_administrators_where_the_cluster_is_one_of_eks() {
    let named = |mut rule: Value, name: &str| {
        rule["resourceNames"] = json!([name]);
        json!([rule])
    };
    let write = rule(&["patch"], "", &["configmaps"]);
    let own = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "aws-auth", "namespace": "kube-system" },
    });
    let by_name = named(write.clone(), "aws-auth");
    insta::assert_snapshot!(with_rules(&by_name, Some("kube-system"), &[]), @"service account shop/web maps a cloud identity of its own in aws-auth, and is administrator of the cluster");
    let any = json!([write]);
    assert_eq!(with_rules(&any, None, &[]), "no way", "nothing says that it is EKS");
    assert_ne!(with_rules(&any, None, std::slice::from_ref(&own)), "no way");
    assert_eq!(with_rules(&any, Some("shop"), std::slice::from_ref(&own)), "no way");
    assert_eq!(with_rules(&named(write, "other"), None, &[own]), "no way");
}

#[test]
fn pods_that_pod_identity_excepts_have_the_identity_of_their_aks_node() {
    const GROUP: &str = "aadpodidentity.k8s.io";
    let of_azure = |kind: &str, namespace: &str| {
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": kind,
            "metadata": { "name": "x", "namespace": namespace },
        })
    };
    let mut administrators =
        binding(None, ("ClusterRole", "view"), &json!({ "kind": "User", "name": "clusterAdmin" }));
    administrators["metadata"]["name"] = json!("aks-cluster-admin-binding");
    let reads = rule(&["list"], GROUP, &["azurepodidentityexceptions"]);
    let writes = rule(&["create"], GROUP, &["azurepodidentityexceptions"]);
    let jobs = rule(&["create"], "batch", &["jobs"]);
    let exec = rule(&["create"], "", &["pods/exec"]);
    let excepted = of_azure("AzurePodIdentityException", "shop");
    let installed = of_azure("AzureIdentity", "bank");
    let within = |rules: [&Value; 2], more: [&Value; 2]| {
        with_rules(&json!(rules), Some("shop"), &more.map(Value::clone))
    };
    insta::assert_snapshot!(within([&jobs, &reads], [&administrators, &excepted]), @"service account shop/web starts or enters pods that may ask for their node's Azure identity, and is administrator of the cluster");
    assert_ne!(within([&exec, &writes], [&administrators, &installed]), "no way");
    let elsewhere = of_azure("AzurePodIdentityException", "bank");
    for (rules, more) in [
        ([&jobs, &reads], [&administrators, &elsewhere]),
        ([&exec, &reads], [&administrators, &excepted]),
        ([&reads, &reads], [&administrators, &excepted]),
        ([&jobs, &jobs], [&administrators, &excepted]),
        ([&jobs, &reads], [&installed, &excepted]),
        ([&exec, &writes], [&administrators, &elsewhere]),
    ] {
        assert_eq!(within(rules, more), "no way", "{rules:?} {more:?}");
    }
}

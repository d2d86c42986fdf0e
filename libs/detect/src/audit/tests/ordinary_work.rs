//! What ordinary programs and installers do day by day: whatever is told of it, it is low.

use airside_types::Severity;

use super::detections;

/// Who does what, the rule that notes it (nothing is told where there is none), and what the event has beside `"responseStatus":{"code":200}`.
const ORDINARY: &[(&str, &str, &str)] = &[
    (
        "kubeadm lets those who join read the cluster's certificate",
        "AUD-R03",
        r#""verb":"create","user":{"username":"kubernetes-admin"},"userAgent":"kubeadm/v1.33.1","objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"kube-public","name":"kubeadm:bootstrap-signer-clusterinfo"},"requestObject":{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"kubeadm:bootstrap-signer-clusterinfo"},"subjects":[{"kind":"User","name":"system:anonymous"}]}"#,
    ),
    (
        "kubeadm binds its own administrators",
        "AUD-R59",
        r#""verb":"create","user":{"username":"kubernetes-super-admin"},"userAgent":"kubeadm/v1.33.1","objectRef":{"resource":"clusterrolebindings","apiGroup":"rbac.authorization.k8s.io","name":"kubeadm:cluster-admins"},"requestObject":{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"Group","name":"kubeadm:cluster-admins"}]}"#,
    ),
    (
        "Gatekeeper notes what it found in a constraint that only warns",
        "",
        r#""verb":"update","user":{"username":"system:serviceaccount:gatekeeper-system:gatekeeper-admin"},"userAgent":"gatekeeper/v3.18","objectRef":{"resource":"k8srequiredlabels","apiGroup":"constraints.gatekeeper.sh","subresource":"status","name":"c"},"requestObject":{"spec":{"enforcementAction":"dryrun","match":{"excludedNamespaces":["kube-system"]}},"status":{"totalViolations":3}}"#,
    ),
    (
        "an operator's role names all of its own groups",
        "AUD-R61",
        r#""verb":"create","user":{"username":"dana"},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"crd-controller"},"requestObject":{"rules":[{"apiGroups":["source.toolkit.fluxcd.io"],"resources":["*"],"verbs":["*"]},{"apiGroups":[""],"resources":["events"],"verbs":["create"]}]}"#,
    ),
    (
        "a pipeline's runner works in its pods",
        "AUD-R24",
        r#""verb":"create","requestURI":"/api/v1/namespaces/ci/pods/runner-1/exec?command=sh&command=-c&command=make","user":{"username":"system:serviceaccount:ci:gitlab-runner"},"userAgent":"gitlab-runner 17.0","objectRef":{"resource":"pods","subresource":"exec","namespace":"ci","name":"runner-1"}"#,
    ),
    (
        "a repository's constraint is applied once more",
        "AUD-R57-constraint",
        r#""verb":"patch","user":{"username":"system:serviceaccount:argocd:argocd-application-controller"},"userAgent":"argocd-application-controller/v2.14","objectRef":{"resource":"k8srequiredlabels","apiGroup":"constraints.gatekeeper.sh","name":"c"},"requestObject":{"spec":{"enforcementAction":"dryrun"}}"#,
    ),
    (
        "a webhook is applied again as a whole",
        "AUD-R54-change",
        r#""verb":"patch","user":{"username":"system:serviceaccount:flux-system:helm-controller"},"userAgent":"helm-controller/v1.2","objectRef":{"resource":"validatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"v"},"requestObject":{"webhooks":[{"name":"v.example.com","sideEffects":"None","rules":[],"clientConfig":{"service":{"namespace":"shop","name":"v"}}}]}"#,
    ),
    (
        "a namespace of Gatekeeper's own is written as it was",
        "",
        r#""verb":"update","user":{"username":"system:serviceaccount:cattle-system:rancher"},"userAgent":"rancher/v2.11","objectRef":{"resource":"namespaces","namespace":"gatekeeper-system","name":"gatekeeper-system"},"requestObject":{"metadata":{"labels":{"admission.gatekeeper.sh/ignore":"no-self-managing"}}}"#,
    ),
    (
        "somebody clears a namespace's ConfigMaps",
        "AUD-R97-configmap-deleted",
        r#""verb":"delete","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","objectRef":{"resource":"configmaps","namespace":"shop","name":"kube-root-ca.crt"}"#,
    ),
    (
        "an operator asks for the tokens with which it fetches secrets",
        "AUD-R20",
        r#""verb":"create","user":{"username":"system:serviceaccount:external-secrets:external-secrets"},"userAgent":"external-secrets/v0.14","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"shop","name":"web"},"requestObject":{"spec":{"audiences":["sts.amazonaws.com"],"expirationSeconds":3600}}"#,
    ),
    (
        "a program approves what kubelets ask for",
        "AUD-R22-approval",
        r#""verb":"update","user":{"username":"system:serviceaccount:csr-approver:kubelet-csr-approver"},"userAgent":"kubelet-csr-approver/1.2","objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","subresource":"approval","name":"csr-1"},"requestObject":{"status":{"conditions":[{"type":"Approved"}]}}"#,
    ),
    (
        "somebody refuses a certificate",
        "",
        r#""verb":"update","user":{"username":"dana"},"objectRef":{"resource":"certificatesigningrequests","apiGroup":"certificates.k8s.io","subresource":"approval","name":"csr-1"},"requestObject":{"status":{"conditions":[{"type":"Denied"}]}}"#,
    ),
    (
        "a cloud's controller renews the lease of all of its kind",
        "",
        r#""verb":"update","user":{"username":"system:serviceaccount:kube-system:hcloud-cloud-controller-manager"},"userAgent":"hcloud-cloud-controller-manager/1.2","objectRef":{"resource":"leases","apiGroup":"coordination.k8s.io","namespace":"kube-system","name":"cloud-controller-manager"}"#,
    ),
    (
        "monitoring reads the figures of a node whose name misleads",
        "",
        r#""verb":"get","requestURI":"/api/v1/nodes/proxy-1/proxy/metrics","user":{"username":"system:serviceaccount:monitoring:prometheus"},"userAgent":"Prometheus/3.1","objectRef":{"resource":"nodes","subresource":"proxy","name":"proxy-1"}"#,
    ),
    (
        "Helm reads its own releases",
        "AUD-R12",
        r#""verb":"list","requestURI":"/api/v1/secrets?labelSelector=owner%3Dhelm","user":{"username":"dana"},"userAgent":"Helm/3.17","objectRef":{"resource":"secrets"}"#,
    ),
    (
        "the controller of gathered roles gathers them",
        "",
        r#""verb":"patch","user":{"username":"system:serviceaccount:kube-system:clusterrole-aggregation-controller","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},"objectRef":{"resource":"clusterroles","apiGroup":"rbac.authorization.k8s.io","name":"admin"},"requestObject":{"rules":[{"apiGroups":["x.example.net"],"resources":["*"],"verbs":["*"]}]},"responseObject":{"kind":"ClusterRole","aggregationRule":{"clusterRoleSelectors":[{}]}}"#,
    ),
    (
        "a kubelet asks for a pod's token",
        "",
        r#""verb":"create","user":{"username":"system:node:n1","groups":["system:nodes","system:authenticated"]},"userAgent":"kubelet/v1.36.2","objectRef":{"resource":"serviceaccounts","subresource":"token","namespace":"kube-system","name":"coredns"},"requestObject":{"spec":{"boundObjectRef":{"kind":"Pod","name":"p","uid":"u"}}}"#,
    ),
    (
        "somebody looks whether a server is well",
        "AUD-R29",
        r#""verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=curl&command=-s&command=localhost%3A8080%2Fhealth","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}"#,
    ),
    (
        "the same with the whole address",
        "AUD-R29",
        r#""verb":"create","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=wget+-qO-+http%3A%2F%2F127.0.0.1%3A9090%2F-%2Fready","user":{"username":"dana"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}"#,
    ),
    (
        "an administrator tries out what somebody may do",
        "AUD-R69-other",
        r#""verb":"list","user":{"username":"dana"},"userAgent":"kubectl/v1.33.1","impersonatedUser":{"username":"erin"},"objectRef":{"resource":"pods","namespace":"shop"}"#,
    ),
];

#[test]
fn ordinary_work_is_low_if_it_is_told() {
    for (what, rule, event) in ORDINARY {
        let told = detections(&format!(r#"{{{event},"responseStatus":{{"code":200}}}}"#));
        let rules: Vec<_> = told.iter().map(|it| it.rule.as_str()).collect();
        match *rule {
            "" => assert_eq!(rules, [""; 0], "{what}"),
            rule => assert!(rules.contains(&rule), "{what}: {rule} is not among {rules:?}"),
        }
        for it in &told {
            assert!(it.severity <= Severity::Low, "{what}: {} {}", it.rule, it.message);
        }
    }
}

#[test]
fn an_upgrade_of_the_kubelets_configuration_is_a_note() {
    let event = r#"{"verb":"update","user":{"username":"kubernetes-admin"},"userAgent":"kubeadm/v1.34.2","objectRef":{"resource":"configmaps","namespace":"kube-system","name":"kubelet-config"},"responseStatus":{"code":200}}"#;
    let told = detections(event);
    let found = told.iter().find(|it| it.rule == "AUD-R71-trust").map(|it| it.severity);
    assert_eq!(found, Some(Severity::Info));
}

#[test]
fn a_webhook_on_the_api_servers_own_machine_is_nobodys_elsewhere() {
    for (url, severity) in [
        ("https://127.0.0.1:23443/mutate", Severity::Medium),
        ("https://[::1]:23443/mutate", Severity::Medium),
        ("https://localhost/mutate", Severity::Medium),
        ("https://127.0.0.1.example.net/mutate", Severity::High),
        ("https://localhost@example.net/mutate", Severity::High),
    ] {
        let event = format!(
            r#"{{"verb":"create","user":{{"username":"dana"}},"objectRef":{{"resource":"mutatingwebhookconfigurations","apiGroup":"admissionregistration.k8s.io","name":"m"}},"requestObject":{{"webhooks":[{{"name":"m","clientConfig":{{"url":"{url}"}}}}]}},"responseStatus":{{"code":201}}}}"#
        );
        let told = detections(&event);
        let found = told.iter().find(|it| it.rule == "AUD-R54").map(|it| it.severity);
        assert_eq!(found, Some(severity), "{url}");
    }
}

//! The addresses of official documentation, by field and by kind.

type Place = (&'static str, &'static str);

/// The documentation of a field, by its name.
pub(super) fn of_field(name: &str) -> Option<Place> {
    FIELDS.iter().find(|(names, ..)| names.contains(&name)).map(|(_, title, url)| (*title, *url))
}

/// The documentation of a kind, else of its group's.
pub(super) fn of_kind(group: &str, kind: &str) -> Option<Place> {
    let is_meant = |(of, kinds, ..): &&(&str, &[&str], &str, &str)| {
        (group == *of || group.strip_suffix(of).is_some_and(|rest| rest.ends_with('.')))
            && (kinds.is_empty() || kinds.contains(&kind))
    };
    KINDS.iter().find(is_meant).map(|(.., title, url)| (*title, *url))
}

const SECURITY_CONTEXT: &str =
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";

#[rustfmt::skip]
static FIELDS: &[(&[&str], &str, &str)] = &[
    (&["seccompProfile"], "Seccomp and Kubernetes", "https://kubernetes.io/docs/reference/node/seccomp/"),
    (&["appArmorProfile"], "AppArmor", "https://kubernetes.io/docs/tutorials/security/apparmor/"),
    (&["capabilities", "drop", "runAsNonRoot", "runAsUser", "runAsGroup", "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "procMount", "seLinuxOptions", "fsGroup", "supplementalGroups"],
        "Security context of pods and containers", SECURITY_CONTEXT),
    (&["hostNetwork", "hostPID", "hostIPC", "hostPort"], "Pod Security Standards", "https://kubernetes.io/docs/concepts/security/pod-security-standards/"),
    (&["hostUsers"], "User namespaces", "https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/"),
    (&["sysctls"], "Sysctls in a cluster", "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"),
    (&["hostPath"], "Volumes: hostPath", "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"),
    (&["automountServiceAccountToken", "serviceAccountName"], "Service accounts for pods", "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"),
    (&["secretKeyRef", "secretRef"], "Secrets as environment and files", "https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/"),
    (&["image", "imagePullPolicy", "imagePullSecrets"], "Images", "https://kubernetes.io/docs/concepts/containers/images/"),
    (&["resources", "limits", "requests"], "Resource management for pods and containers", "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"),
    (&["livenessProbe", "readinessProbe", "startupProbe"], "Liveness, readiness and startup probes", "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"),
    (&["lifecycle", "preStop", "terminationGracePeriodSeconds"], "Container lifecycle hooks", "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/"),
    (&["topologySpreadConstraints"], "Pod topology spread constraints", "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"),
    (&["affinity", "nodeSelector", "nodeName"], "Assigning pods to nodes", "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/"),
    (&["tolerations"], "Taints and tolerations", "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"),
    (&["priorityClassName"], "Pod priority and preemption", "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"),
    (&["externalIPs", "loadBalancerSourceRanges", "externalTrafficPolicy"], "Services", "https://kubernetes.io/docs/concepts/services-networking/service/"),
];

const RBAC: &str = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/";
const INGRESS: &str = "https://kubernetes.io/docs/concepts/services-networking/ingress/";

/// By group, or the end of one, and kinds; no kinds mean all of the group. The first row counts.
#[rustfmt::skip]
static KINDS: &[(&str, &[&str], &str, &str)] = &[
    ("", &["Secret"], "Good practices for Secrets", "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"),
    ("", &["ConfigMap"], "ConfigMaps", "https://kubernetes.io/docs/concepts/configuration/configmap/"),
    ("", &["Service"], "Services", "https://kubernetes.io/docs/concepts/services-networking/service/"),
    ("", &["ServiceAccount"], "Service accounts", "https://kubernetes.io/docs/concepts/security/service-accounts/"),
    ("", &["Namespace"], "Pod Security admission by labels of namespaces", "https://kubernetes.io/docs/concepts/security/pod-security-admission/"),
    ("", &["LimitRange"], "Limit ranges", "https://kubernetes.io/docs/concepts/policy/limit-range/"),
    ("", &["ResourceQuota"], "Resource quotas", "https://kubernetes.io/docs/concepts/policy/resource-quotas/"),
    ("", &["Node"], "Nodes", "https://kubernetes.io/docs/concepts/architecture/nodes/"),
    ("", &["PersistentVolume", "PersistentVolumeClaim"], "Persistent volumes", "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"),
    ("", &["Pod", "PodTemplate"], "Pods", "https://kubernetes.io/docs/concepts/workloads/pods/"),
    ("", &["NodeInfo"], "Hardening of a kubeadm cluster: the node's files", "https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/"),
    ("", &[], "Kubernetes API reference", "https://kubernetes.io/docs/reference/kubernetes-api/"),
    ("apps", &["Deployment"], "Deployments", "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"),
    ("apps", &["StatefulSet"], "StatefulSets", "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"),
    ("apps", &["DaemonSet"], "DaemonSets", "https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"),
    ("apps", &[], "Workload management", "https://kubernetes.io/docs/concepts/workloads/controllers/"),
    ("batch", &["CronJob"], "CronJobs", "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"),
    ("batch", &[], "Jobs", "https://kubernetes.io/docs/concepts/workloads/controllers/job/"),
    ("rbac.authorization.k8s.io", &[], "RBAC authorization", RBAC),
    ("networking.k8s.io", &["NetworkPolicy"], "Network policies", "https://kubernetes.io/docs/concepts/services-networking/network-policies/"),
    ("networking.k8s.io", &[], "Ingress", INGRESS),
    ("extensions", &[], "Deprecated API migration guide", "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"),
    ("policy.networking.k8s.io", &[], "Network Policy API", "https://network-policy-api.sigs.k8s.io/"),
    ("cilium.io", &[], "Cilium: network policies", "https://docs.cilium.io/en/stable/security/policy/"),
    ("projectcalico.org", &[], "Calico: network policies", "https://docs.tigera.io/calico/latest/network-policy/"),
    ("policy", &["PodDisruptionBudget"], "Pod disruption budgets", "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"),
    ("policy", &[], "Deprecated API migration guide", "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"),
    ("autoscaling", &[], "Horizontal pod autoscaling", "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"),
    ("autoscaling.k8s.io", &[], "Autoscaling workloads", "https://kubernetes.io/docs/concepts/workloads/autoscaling/"),
    ("scheduling.k8s.io", &[], "Pod priority and preemption", "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"),
    ("storage.k8s.io", &[], "Storage classes", "https://kubernetes.io/docs/concepts/storage/storage-classes/"),
    ("discovery.k8s.io", &[], "Endpoint slices", "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/"),
    ("admissionregistration.k8s.io", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"], "Validating admission policy", "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/"),
    ("admissionregistration.k8s.io", &[], "Good practices for admission webhooks", "https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/"),
    ("apiextensions.k8s.io", &[], "Custom resource definitions", "https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/"),
    ("apiregistration.k8s.io", &[], "API aggregation", "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/"),
    ("audit.k8s.io", &[], "Auditing", "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/"),
    ("apiserver.config.k8s.io", &["EncryptionConfiguration"], "Encrypting confidential data at rest", "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/"),
    ("apiserver.config.k8s.io", &["AuthorizationConfiguration"], "Authorization", "https://kubernetes.io/docs/reference/access-authn-authz/authorization/"),
    ("apiserver.config.k8s.io", &["AuthenticationConfiguration"], "Authentication", "https://kubernetes.io/docs/reference/access-authn-authz/authentication/"),
    ("apiserver.config.k8s.io", &[], "Admission controllers", "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/"),
    ("pod-security.admission.config.k8s.io", &[], "Pod Security admission", "https://kubernetes.io/docs/concepts/security/pod-security-admission/"),
    ("kubelet.config.k8s.io", &[], "Kubelet configuration", "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"),
    ("kubeproxy.config.k8s.io", &[], "kube-proxy configuration", "https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/"),
    ("kubescheduler.config.k8s.io", &[], "Scheduler configuration", "https://kubernetes.io/docs/reference/scheduling/config/"),
    ("kubeadm.k8s.io", &[], "kubeadm configuration", "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/"),
    ("gateway.networking.k8s.io", &[], "Gateway API", "https://gateway-api.sigs.k8s.io/reference/spec/"),
    ("networking.istio.io", &["VirtualService"], "Istio: virtual services", "https://istio.io/latest/docs/reference/config/networking/virtual-service/"),
    ("networking.istio.io", &["DestinationRule"], "Istio: destination rules", "https://istio.io/latest/docs/reference/config/networking/destination-rule/"),
    ("networking.istio.io", &["Gateway"], "Istio: gateways", "https://istio.io/latest/docs/reference/config/networking/gateway/"),
    ("networking.istio.io", &["EnvoyFilter"], "Istio: Envoy filters", "https://istio.io/latest/docs/reference/config/networking/envoy-filter/"),
    ("networking.istio.io", &["ServiceEntry"], "Istio: service entries", "https://istio.io/latest/docs/reference/config/networking/service-entry/"),
    ("networking.istio.io", &["Sidecar"], "Istio: sidecars", "https://istio.io/latest/docs/reference/config/networking/sidecar/"),
    ("security.istio.io", &["AuthorizationPolicy"], "Istio: authorization policies", "https://istio.io/latest/docs/reference/config/security/authorization-policy/"),
    ("security.istio.io", &["PeerAuthentication"], "Istio: peer authentication", "https://istio.io/latest/docs/reference/config/security/peer_authentication/"),
    ("security.istio.io", &["RequestAuthentication"], "Istio: request authentication", "https://istio.io/latest/docs/reference/config/security/request_authentication/"),
    ("telemetry.istio.io", &[], "Istio: telemetry", "https://istio.io/latest/docs/reference/config/telemetry/"),
    ("istio.io", &[], "Istio: security best practices", "https://istio.io/latest/docs/ops/best-practices/security/"),
    ("traefik.io", &[], "Traefik on Kubernetes", "https://doc.traefik.io/traefik/providers/kubernetes-crd/"),
    ("traefik.containo.us", &[], "Traefik on Kubernetes", "https://doc.traefik.io/traefik/providers/kubernetes-crd/"),
    ("projectcontour.io", &[], "Contour", "https://projectcontour.io/docs/"),
    ("k8s.nginx.org", &[], "NGINX Ingress Controller", "https://docs.nginx.com/nginx-ingress-controller/"),
    ("argoproj.io", &["Application", "ApplicationSet", "AppProject"], "Argo CD: security", "https://argo-cd.readthedocs.io/en/stable/operator-manual/security/"),
    ("argoproj.io", &[], "Argo Workflows: security", "https://argo-workflows.readthedocs.io/en/latest/security/"),
    ("toolkit.fluxcd.io", &[], "Flux: security", "https://fluxcd.io/flux/security/"),
    ("cert-manager.io", &[], "cert-manager", "https://cert-manager.io/docs/"),
    ("external-secrets.io", &[], "External Secrets: security", "https://external-secrets.io/latest/guides/security-best-practices/"),
    ("bitnami.com", &[], "Sealed Secrets", "https://github.com/bitnami-labs/sealed-secrets#readme"),
    ("monitoring.coreos.com", &[], "Prometheus Operator", "https://prometheus-operator.dev/docs/"),
    ("operators.coreos.com", &[], "Operator Lifecycle Manager", "https://olm.operatorframework.io/docs/"),
    ("kyverno.io", &[], "Kyverno: exceptions", "https://kyverno.io/docs/exceptions/"),
    ("constraints.gatekeeper.sh", &[], "Gatekeeper", "https://open-policy-agent.github.io/gatekeeper/website/docs/"),
    ("config.gatekeeper.sh", &[], "Gatekeeper", "https://open-policy-agent.github.io/gatekeeper/website/docs/"),
    ("tekton.dev", &[], "Tekton", "https://tekton.dev/docs/"),
    ("kafka.strimzi.io", &[], "Strimzi", "https://strimzi.io/documentation/"),
    ("acid.zalan.do", &[], "Postgres Operator", "https://postgres-operator.readthedocs.io/"),
    ("k8s.elastic.co", &[], "Elastic Cloud on Kubernetes", "https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s"),
    ("etcd.database.coreos.com", &[], "etcd: transport security", "https://etcd.io/docs/latest/op-guide/security/"),
    ("grafana.integreatly.org", &[], "Grafana Operator", "https://grafana.github.io/grafana-operator/docs/"),
    ("openshift.io", &[], "OpenShift documentation", "https://docs.redhat.com/en/documentation/openshift_container_platform/"),
    ("eksctl.io", &[], "Amazon EKS best practices: security", "https://docs.aws.amazon.com/eks/latest/best-practices/security.html"),
    ("infrastructure.cluster.x-k8s.io", &[], "Cluster API", "https://cluster-api.sigs.k8s.io/"),
    ("cluster.x-k8s.io", &[], "Cluster API", "https://cluster-api.sigs.k8s.io/"),
    ("cnrm.cloud.google.com", &[], "GKE: hardening a cluster", "https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"),
    ("containerservice.azure.com", &[], "AKS: security", "https://learn.microsoft.com/azure/aks/concepts-security"),
];

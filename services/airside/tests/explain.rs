//! `airside explain` as its users see it, for a check of each form.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

fn explained(check: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    let output = command.args(["explain", check]).output().expect("the program runs");
    assert!(output.status.success(), "{check}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_field_of_a_container_has_all_three_forms() {
    insta::assert_snapshot!(explained("privilege-escalation"), @r#"
    Container may gain more privileges than it started with  medium
    privilege-escalation, workload-hardening, looks at: Pod, and every kind with a pod template

    Without no_new_privs a setuid program or a file capability in the image makes any process root in the container.

    How it is attacked
      A program with the setuid bit in the image makes the intruder's process root in the container. (T1548.001 Abuse Elevation Control Mechanism: Setuid and Setgid)

    Fix
    Set securityContext.allowPrivilegeEscalation to false; the default is true.

    In YAML
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          containers:
          - name: web
      -     securityContext: {runAsUser: 1000}
      +     securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false}

    As Helm values, as charts usually name them
      securityContext:
        allowPrivilegeEscalation: false

    As a kustomization
      # kustomization.yaml
      resources: [manifests.yaml]
      patches:
      - patch: |-
          apiVersion: v1
          kind: Pod
          metadata:
            name: web
          spec:
            containers:
            - name: web
              securityContext:
                allowPrivilegeEscalation: false

    Read on
      Security context of pods and containers: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
      Pods: https://kubernetes.io/docs/concepts/workloads/pods/
      ATT&CK T1548.001: Abuse Elevation Control Mechanism: Setuid and Setgid: https://attack.mitre.org/techniques/T1548/001/
      CIS Kubernetes Benchmark 1.12.0, section 5.2.6
      CIS EKS Benchmark 1.8.0, section 4.2.5
      Pod Security Standards: https://kubernetes.io/docs/concepts/security/pod-security-standards/

    Known elsewhere as
      kube-linter:privilege-escalation-container
      polaris:privilegeEscalationAllowed
      kubescape:C-0016
      trivy:KSV-0001
      checkov:CKV_K8S_20
      kyverno:pod-security/disallow-privilege-escalation
      gatekeeper-library:pod-security-policy/allow-privilege-escalation
      kubesec:AllowPrivilegeEscalation
      kyverno:pod-security/restricted-latest

    To accept it
      in a comment on the line or above it: # airside:ignore privilege-escalation: REASON
      in an annotation: airside.dev/ignore: "privilege-escalation until=2027-01-31: REASON"
    "#);
}

#[test]
fn what_charts_do_not_name_says_what_to_do_instead() {
    insta::assert_snapshot!(explained("no-ingress-policy"), @r#"
    Pod accepts traffic from everywhere  medium
    no-ingress-policy, network, looks at: Pod, and every kind with a pod template

    Without a NetworkPolicy every pod of the cluster can connect to it: one broken pod reaches all others.

    How it is attacked
      From a pod that is taken over, the intruder tries addresses and ports to learn what else answers in the cluster. (T1046 Network Service Discovery)
      From one pod the intruder attacks the flaw of a service that only answers inside, and thereby owns a second one. (T1210 Exploitation of Remote Services)

    Fix
    Add a NetworkPolicy that selects the pod and lists who may connect; start with one that denies all ingress in the namespace.

    In YAML
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: api}
        spec:
          podSelector: {}
      -   policyTypes: [Egress]
      +   policyTypes: [Egress, Ingress]

    As Helm values, as charts usually name them
      Charts have no usual value for this. Look for one with `helm show values CHART`; where there is none, send what the chart renders through the kustomization, as Helm's post-renderer.

    As a kustomization
      # kustomization.yaml
      resources: [manifests.yaml]
      patches:
      - patch: |-
          apiVersion: networking.k8s.io/v1
          kind: NetworkPolicy
          metadata:
            name: api
          spec:
            policyTypes:
            - Egress
            - Ingress

    Read on
      Network policies: https://kubernetes.io/docs/concepts/services-networking/network-policies/
      ATT&CK T1046: Network Service Discovery: https://attack.mitre.org/techniques/T1046/
      ATT&CK T1210: Exploitation of Remote Services: https://attack.mitre.org/techniques/T1210/
      CIS Kubernetes Benchmark 1.12.0, section 5.3.2
      CIS AKS Benchmark 1.8.0, section 4.4.2
      CIS EKS Benchmark 1.8.0, section 4.3.2
      CIS GKE Benchmark 1.9.0, section 4.3.2

    Known elsewhere as
      kube-linter:non-isolated-pod
      polaris:missingNetworkPolicy
      kubescape:C-0030
      kubescape:C-0206
      kubescape:C-0260
      checkov:CKV2_K8S_6
      kube-score:pod-networkpolicy
      kyverno:other/require-netpol
      kyverno:other/require-network-policy

    To accept it
      in a comment on the line or above it: # airside:ignore no-ingress-policy: REASON
      in an annotation: airside.dev/ignore: "no-ingress-policy until=2027-01-31: REASON"
    "#);
}

#[test]
fn a_file_of_a_node_says_why_it_has_one_form() {
    insta::assert_snapshot!(explained("kubelet-anonymous-auth"), @r#"
    Kubelet answers requests without credentials  high
    kubelet-anonymous-auth, control-plane, looks at: KubeletConfiguration, InitConfiguration and JoinConfiguration of kubeadm, NodeInfo

    Whoever reaches port 10250 of the node is treated as system:anonymous; with the authorisation that often goes with it he runs commands in every pod of the node.

    How it is attacked
      The intruder runs commands in running containers through the API (exec, attach) or the kubelet. (T1609 Container Administration Command)
      The intruder finds the service from outside, by scanning addresses or by certificate logs, and uses it like its owners. (T1133 External Remote Services)

    Fix
    Set authentication.anonymous.enabled to false.

    In YAML
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
      - authentication: {anonymous: {enabled: true}}
      + authentication: {anonymous: {enabled: false}}

    As Helm values, as charts usually name them
      Charts install objects of a cluster, and this is read from a file of a node or has no name: change it where it is written.

    As a kustomization
      Kustomize changes objects of a cluster. This is a file that a program reads from its node, or an object without a name: change it where it is written.

    Read on
      Kubelet configuration: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
      ATT&CK T1609: Container Administration Command: https://attack.mitre.org/techniques/T1609/
      ATT&CK T1133: External Remote Services: https://attack.mitre.org/techniques/T1133/
      CIS Kubernetes Benchmark 1.12.0, section 4.2.1
      CIS EKS Benchmark 1.8.0, section 3.2.1
      CIS AKS Benchmark 1.8.0, section 3.2.1

    Known elsewhere as
      trivy:KCV-0079
      kubescape:C-0172
      kubescape:C-0069
      checkov:CKV_K8S_138
      kube-bench:4.2.1

    To accept it
      in a comment on the line or above it: # airside:ignore kubelet-anonymous-auth: REASON
      in an annotation: airside.dev/ignore: "kubelet-anonymous-auth until=2027-01-31: REASON"
    "#);
}

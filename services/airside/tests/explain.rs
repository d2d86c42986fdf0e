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

    When you apply it
      A Pod that exists does not take this change: make it in the template of the workload that starts the pod. A pod of its own is deleted and created anew.

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
fn a_binding_is_made_anew_and_no_chart_has_a_value_for_it() {
    insta::assert_snapshot!(explained("cluster-admin-binding"), @r#"
    cluster-admin is given away  high
    cluster-admin-binding, access-control, looks at: RoleBinding, ClusterRoleBinding

    Its holder may do anything, in the whole cluster or (by a RoleBinding) in the namespace: one stolen token is enough.

    How it is attacked
      The intruder binds a stronger role to an identity of theirs and is administrator from then on. (T1098.006 Account Manipulation: Additional Container Cluster Roles)

    Fix
    Bind a role with the permissions that are used; keep cluster-admin for people in an emergency.

    In YAML
        apiVersion: rbac.authorization.k8s.io/v1
      - kind: ClusterRoleBinding
      - metadata: {name: ci}
      - roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
      + kind: RoleBinding
      + metadata: {name: ci-edit, namespace: ci}
      + roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
        subjects:
        - {kind: ServiceAccount, name: ci, namespace: ci}

    As Helm values, as charts usually name them
      Charts have no usual value for this. Look for one with `helm show values CHART`; where there is none, send what the chart renders through the kustomization, as Helm's post-renderer.

    As a kustomization
      # kustomization.yaml
      resources: [manifests.yaml, rolebinding.yaml]
      patches:
      - patch: |-
          "$patch": delete
          apiVersion: rbac.authorization.k8s.io/v1
          kind: ClusterRoleBinding
          metadata:
            name: ci
      # rolebinding.yaml
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata:
        name: ci-edit
        namespace: ci
      roleRef:
        apiGroup: rbac.authorization.k8s.io
        kind: ClusterRole
        name: edit
      subjects:
      - kind: ServiceAccount
        name: ci
        namespace: ci

    When you apply it
      Applying does not delete what is gone from the files: `kubectl delete clusterrolebinding ci`.

    Read on
      RBAC authorization: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
      ATT&CK T1098.006: Account Manipulation: Additional Container Cluster Roles: https://attack.mitre.org/techniques/T1098/006/
      CIS Kubernetes Benchmark 1.12.0, section 5.1.1
      CIS AKS Benchmark 1.8.0, section 4.1.1
      CIS EKS Benchmark 1.8.0, section 4.1.1
      CIS GKE Benchmark 1.9.0, section 4.1.1

    Known elsewhere as
      kube-linter:cluster-admin-role-binding
      polaris:clusterrolebindingClusterAdmin
      polaris:rolebindingClusterAdminClusterRole
      kubescape:C-0035
      kubescape:C-0185
      kyverno:other/restrict-binding-clusteradmin
      trivy:KSV-0111

    To accept it
      in a comment on the line or above it: # airside:ignore cluster-admin-binding: REASON
      in an annotation: airside.dev/ignore: "cluster-admin-binding until=2027-01-31: REASON"
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

#[test]
fn names_of_other_tools_need_no_tool_before_them() {
    let whole = explained("privileged-container");
    for name in ["CKV_K8S_16", "KSV017", "C-0057", "kube-linter:privileged-container"] {
        assert_eq!(explained(name), whole, "{name}");
    }
}

#[test]
fn programs_are_told_what_checks_teach() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    let output = command.args(["explain", "KSV-0017", "-o", "json"]).output().expect("it runs");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told[0]["id"], "privileged-container");
    assert!(told[0]["kustomize"]["text"].is_string(), "{told}");
}

#[test]
fn completion_knows_the_names_that_there_are() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airside"));
    let output = command.args(["completions", "bash"]).output().expect("it runs");
    let script = String::from_utf8(output.stdout).expect("UTF-8");
    for names in [
        "\"default security baseline restricted strict\"",
        "cis-v1.12.0 ",
        " privileged-container ",
    ] {
        assert!(script.contains(names), "{names}");
    }
}

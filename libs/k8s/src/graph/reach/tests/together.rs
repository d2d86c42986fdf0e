//! Policies of several kinds in one input.

use super::world::{Question, expect};
use super::*;

use Answer::{No, Unknown, Yes};

const CLOSED: &str = "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: data}
spec: {podSelector: {}}
";

fn cilium(spec: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
         metadata: {{name: c, namespace: data}}\nspec: {{endpointSelector: {{}}, {spec}}}\n"
    )
}

fn calico(spec: &str) -> String {
    format!(
        "---\napiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\n\
         metadata: {{name: p, namespace: data}}\nspec: {{{spec}}}\n"
    )
}

#[test]
fn kinds_of_one_plug_in_add_up_and_plug_ins_do_not() {
    let any = Question::ToDb(None);
    let open = CLOSED.replace("podSelector: {}", "podSelector: {}, ingress: [{}]");
    let lets_in = cilium("ingress: [{fromEntities: [cluster]}]");
    let denies = cilium("ingressDeny: [{fromEntities: [cluster]}]");
    expect(&[
        ("Cilium's lets in what Kubernetes' does not", CLOSED.to_owned() + &lets_in, any, Yes),
        (
            "Kubernetes' lets in what Cilium's does not",
            open.clone() + &cilium("ingress: [{}]"),
            any,
            Yes,
        ),
        ("Cilium's denials win", open.clone() + &denies, any, No),
        (
            "Kubernetes' have order 1000 in Calico's last tier",
            open.clone() + &calico("order: 2000, ingress: [{action: Deny}]"),
            any,
            Yes,
        ),
        (
            "what comes before them decides",
            open + &calico("order: 10, ingress: [{action: Deny}]"),
            any,
            No,
        ),
        (
            "what comes after them too, as they deny nothing",
            CLOSED.to_owned() + &calico("order: 2000, ingress: [{action: Allow}]"),
            any,
            Yes,
        ),
        (
            "which plug-in runs is not known",
            lets_in.clone() + &calico("ingress: [{action: Deny}]"),
            any,
            Unknown,
        ),
        ("unless they agree", lets_in + &calico("ingress: [{action: Allow}]"), any, Yes),
    ]);
}

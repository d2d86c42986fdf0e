//! The semantics of Calico's policies.

use super::world::{Question, expect};
use super::*;

use Answer::{No, Unknown, Yes};
use Question::{FromInternet, ToAddress, ToDb};

fn global(name: &str, spec: &str) -> String {
    of_kind("GlobalNetworkPolicy", &format!("name: {name}"), spec)
}

fn for_db(spec: &str) -> String {
    of_kind(
        "NetworkPolicy",
        "name: db, namespace: data",
        &format!("{{selector: app == 'db', {spec}}}"),
    )
}

fn of_kind(kind: &str, metadata: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: projectcalico.org/v3\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {spec}\n"
    )
}

#[test]
fn rules_are_asked_in_their_order_and_the_rest_is_dropped() {
    let any = ToDb(None);
    expect(&[
        ("without rules", for_db("types: [Ingress]"), any, No),
        ("ingress is meant where there are no rules", for_db("order: 1"), any, No),
        ("only what has rules is meant", for_db("egress: [{action: Allow}]"), any, Yes),
        ("allow", for_db("ingress: [{action: Allow}]"), any, Yes),
        (
            "the first that fits decides",
            for_db("ingress: [{action: Deny}, {action: Allow}]"),
            any,
            No,
        ),
        ("logging decides nothing", for_db("ingress: [{action: Log}, {action: Allow}]"), any, Yes),
        (
            "the lower order is asked first",
            global("a", "{order: 20, ingress: [{action: Deny}]}")
                + &global("b", "{order: 10, ingress: [{action: Allow}]}"),
            any,
            Yes,
        ),
        (
            "without an order comes last",
            global("a", "{ingress: [{action: Deny}]}")
                + &global("b", "{order: 1000, ingress: [{action: Allow}]}"),
            any,
            Yes,
        ),
        ("another pod's", for_db("ingress: []").replace("app == 'db'", "app == 'x'"), any, Yes),
        (
            "for hosts only",
            global("a", "{preDNAT: true, applyOnForward: true, ingress: [{action: Deny}]}"),
            any,
            Yes,
        ),
        ("everywhere", global("a", "{types: [Ingress, Egress]}"), any, No),
        (
            "in some namespaces",
            global("a", "{namespaceSelector: team == 'a', types: [Egress]}"),
            any,
            No,
        ),
        (
            "in namespaces whose labels are not known",
            global("a", "{namespaceSelector: team == 'a', types: [Ingress]}"),
            any,
            Unknown,
        ),
        (
            "for some accounts",
            global(
                "a",
                "{serviceAccountSelector: projectcalico.org/name == 'seller', types: [Egress]}",
            ),
            any,
            No,
        ),
        ("what cannot be read is refused", global("a", "{selector: app is x}"), any, Yes),
        ("staged decides nothing", of_kind("StagedGlobalNetworkPolicy", "name: a", "{}"), any, Yes),
    ]);
}

#[test]
fn tiers_are_asked_one_after_the_other() {
    let tier = |name: &str, order: u32, action: &str| {
        of_kind(
            "Tier",
            &format!("name: {name}"),
            &format!("{{order: {order}, defaultAction: {action}}}"),
        )
    };
    let in_tier = |name: &str, rules: &str| {
        global(
            &format!("{name}.a"),
            &format!("{{tier: {name}, types: [Ingress], ingress: [{rules}]}}"),
        )
    };
    let deny = for_db("ingress: [{action: Deny}]");
    let any = ToDb(None);
    expect(&[
        (
            "the first tier decides",
            tier("first", 1, "Deny") + &in_tier("first", "{action: Allow}") + &deny,
            any,
            Yes,
        ),
        (
            "a rule passes on",
            tier("first", 1, "Deny") + &in_tier("first", "{action: Pass}") + &deny,
            any,
            No,
        ),
        (
            "what passes the last tier gets through",
            tier("first", 1, "Deny") + &in_tier("first", "{action: Pass}"),
            any,
            Yes,
        ),
        ("a tier drops the rest", tier("first", 1, "Deny") + &in_tier("first", ""), any, No),
        (
            "or passes it on",
            tier("first", 1, "Pass")
                + &in_tier("first", "")
                + &for_db("ingress: [{action: Allow}]"),
            any,
            Yes,
        ),
        (
            "a later tier is not asked",
            tier("last", 2_000_000, "Deny") + &in_tier("last", "{action: Allow}") + &deny,
            any,
            No,
        ),
        ("a tier that is not there", in_tier("elsewhere", "{action: Allow}") + &deny, any, Unknown),
        (
            "does not matter where all agree",
            in_tier("elsewhere", "{action: Deny}") + &deny,
            any,
            No,
        ),
    ]);
}

#[test]
fn ends_are_selected_by_labels_accounts_and_addresses() {
    let from =
        |source: &str| for_db(&format!("ingress: [{{action: Allow, source: {{{source}}}}}]"));
    let any = ToDb(None);
    let set = of_kind("GlobalNetworkSet", "name: cdn, labels: {is: cdn}", "{nets: [8.8.8.0/24]}");
    expect(&[
        ("a selector is of the own namespace", from("selector: app == 'web'"), any, No),
        (
            "of another",
            from("selector: app == 'web', namespaceSelector: projectcalico.org/name == 'shop'"),
            any,
            Yes,
        ),
        ("of a namespace by label", from("namespaceSelector: \"team in {'a', 'b'}\""), any, Yes),
        ("of all", from("namespaceSelector: all()"), any, Yes),
        ("of none", from("namespaceSelector: global()"), any, No),
        ("all but", from("notSelector: app == 'web'"), any, No),
        (
            "a global policy's selector is of all namespaces",
            global(
                "a",
                "{selector: app == 'db', ingress: [{action: Allow, source: {selector: app == 'web'}}]}",
            ),
            any,
            Yes,
        ),
        (
            "by the labels that Calico adds",
            global("a", "{selector: projectcalico.org/namespace == 'data', types: [Ingress]}"),
            any,
            No,
        ),
        (
            "by account",
            from("serviceAccounts: {names: [seller]}, namespaceSelector: all()"),
            any,
            Yes,
        ),
        ("everywhere", from("nets: [0.0.0.0/0]"), any, Yes),
        ("somewhere", from("nets: [10.0.0.0/8]"), any, Unknown),
        ("not on the internet", from("nets: [10.0.0.0/8]"), FromInternet, No),
        ("on the internet", from("notNets: [10.0.0.0/8]"), FromInternet, Yes),
        (
            "a set of networks",
            set.clone()
                + &global(
                    "a",
                    "{selector: app == 'db', ingress: [{action: Allow, source: {selector: is == 'cdn'}}]}",
                ),
            FromInternet,
            Yes,
        ),
        ("is of no namespace", set + &from("selector: is == 'cdn'"), FromInternet, No),
        (
            "the own end may be narrowed",
            for_db("ingress: [{action: Allow, destination: {selector: role == 'primary'}}]"),
            any,
            No,
        ),
        (
            "addresses",
            global(
                "a",
                "{egress: [{action: Deny, destination: {nets: [169.254.0.0/16]}}, {action: Allow}]}",
            ),
            ToAddress("169.254.169.254"),
            No,
        ),
        (
            "domains",
            global("a", "{egress: [{action: Allow, destination: {domains: [a.example]}}]}"),
            ToAddress("8.8.8.8"),
            Unknown,
        ),
    ]);
}

#[test]
fn ports_are_numbers_ranges_names_and_what_is_left_out() {
    let rule = |rule: &str| for_db(&format!("ingress: [{{action: Allow, {rule}}}]"));
    let ports = |ports: &str| rule(&format!("protocol: TCP, destination: {{{ports}}}"));
    expect(&[
        ("a number", ports("ports: [5432]"), ToDb(Some(5432)), Yes),
        ("another", ports("ports: [5432]"), ToDb(Some(80)), No),
        ("a range", ports("ports: ['5000:6000']"), ToDb(Some(5432)), Yes),
        ("a name", ports("ports: [pg]"), ToDb(Some(5432)), Yes),
        ("left out", ports("notPorts: [5432]"), ToDb(Some(5432)), No),
        ("not left out", ports("notPorts: [5432]"), ToDb(Some(80)), Yes),
        ("a protocol", rule("protocol: UDP"), ToDb(Some(80)), No),
        ("by number", rule("protocol: 6"), ToDb(Some(80)), Yes),
        ("all but a protocol", rule("notProtocol: UDP"), ToDb(Some(80)), Yes),
        ("ICMP has no ports", rule("protocol: ICMP"), ToDb(None), No),
        (
            "the port of the client is not known",
            rule("protocol: TCP, source: {ports: [99]}"),
            ToDb(None),
            Unknown,
        ),
    ]);
}

//! What is authorised, and what is not: a table, mistakes at their lines, and what must always hold.

use airside_k8s::{Limits, yaml};
use proptest::prelude::*;

use super::*;

const DECLARED: &str = r#"
administrators: {groups: [platform], users: [root]}
authorised:
- name: on-call
  who: {users: ["oncall-*"], groups: [oncall], serviceAccounts: [ci/deployer]}
  does: {verbs: [patch, create], resources: [deployments.apps, pods/exec]}
  where: {namespaces: ["shop", "team-*"]}
  from: [10.0.0.0/8, "2001:db8::/32"]
  when: {days: [Mon-Fri], hours: "08:00-18:00", zone: Europe/Berlin, until: 2027-01-31}
- name: night shift
  who: {users: [nora]}
  does: {resources: ["*"]}
  when: {days: [Fri], hours: "22:00-06:00"}
- name: changes
  who: {users: [carl]}
  does: {resources: ["*"]}
  ticket: {annotation: example.com/change, like: "CHG-*"}
"#;

fn declared(text: &str) -> (Authorised, String) {
    let documents = yaml::parse(text, &Limits::default()).documents;
    let (authorised, problems) = read("authorised.yaml", &documents);
    let told: Vec<_> = problems
        .iter()
        .map(|it| format!("{}:{}: {}", it.place.path, it.place.line, it.problem))
        .collect();
    (authorised, told.join("\n"))
}

fn deed<'a>(user: &'a str, time: &str) -> Deed<'a> {
    Deed {
        user,
        groups: &[],
        verb: "patch",
        group: "apps",
        resource: "deployments",
        subresource: "",
        namespace: "shop",
        name: "web",
        address: Some(IpAddr::from([10, 1, 2, 3])),
        time: Timestamp::parse_rfc3339(time).unwrap(),
        annotations: &[],
    }
}

/// Thursday noon.
const NOON: &str = "2026-11-26T11:00:00Z";

fn said(deed: &Deed<'_>) -> String {
    let (authorised, problems) = declared(DECLARED);
    assert_eq!(problems, "");
    match authorised.of(deed) {
        Standing::Authorised { rule, ticket: None, .. } => format!("authorised by {rule}"),
        Standing::Authorised { rule, ticket: Some(ticket), .. } => {
            format!("authorised by {rule} with {ticket}")
        }
        Standing::Outside { nearest: Some(it) } => format!("outside of {}: {}", it.rule, it.but),
        Standing::Outside { nearest: None } => "outside".to_owned(),
        Standing::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn a_deed_is_authorised_where_all_of_a_rule_holds() {
    let ada = deed("oncall-ada", NOON);
    let account = "system:serviceaccount:ci:deployer";
    let exec = Deed { verb: "create", group: "", resource: "pods", subresource: "exec", ..ada };
    for (deed, expected) in [
        (ada, "authorised by on-call"),
        (exec, "authorised by on-call"),
        (Deed { namespace: "team-a", ..ada }, "authorised by on-call"),
        (Deed { user: "eve", groups: &["oncall"], ..ada }, "authorised by on-call"),
        (Deed { user: account, ..ada }, "authorised by on-call"),
        (Deed { address: "2001:db8::7".parse().ok(), ..ada }, "authorised by on-call"),
        (Deed { address: "::ffff:10.1.2.3".parse().ok(), ..ada }, "authorised by on-call"),
        (Deed { user: "eve", ..ada }, "unknown"),
        (Deed { user: "root", ..ada }, "outside"),
        (Deed { user: "eve", groups: &["platform"], ..ada }, "outside"),
        (Deed { user: "system:serviceaccount:ci:other", ..ada }, "unknown"),
        (Deed { verb: "delete", ..ada }, "unknown"),
        (Deed { group: "example.com", ..ada }, "unknown"),
        (Deed { subresource: "scale", ..ada }, "unknown"),
        (
            Deed { namespace: "kube-system", ..ada },
            "outside of on-call: it is for other namespaces or names",
        ),
        (
            Deed { address: Some(IpAddr::from([203, 0, 113, 9])), ..ada },
            "outside of on-call: it is for other addresses",
        ),
        (Deed { address: None, ..ada }, "outside of on-call: it is for other addresses"),
    ] {
        assert_eq!(said(&deed), expected, "{deed:?}");
    }
}

#[test]
fn times_are_those_of_the_zone() {
    for (user, time, expected) in [
        ("oncall-ada", "2026-11-26T07:00:00Z", "authorised by on-call"),
        ("oncall-ada", "2026-11-26T06:59:59Z", "outside of on-call: it is for other times"),
        ("oncall-ada", "2026-11-26T16:59:59Z", "authorised by on-call"),
        ("oncall-ada", "2026-11-26T17:00:00Z", "outside of on-call: it is for other times"),
        // In summer it is an hour earlier.
        ("oncall-ada", "2026-07-09T06:00:00Z", "authorised by on-call"),
        ("oncall-ada", "2026-11-28T11:00:00Z", "outside of on-call: it is for other times"),
        ("oncall-ada", "2027-01-29T11:00:00Z", "authorised by on-call"),
        ("oncall-ada", "2027-02-01T11:00:00Z", "outside of on-call: it is for other times"),
        // Over midnight: Friday's night ends on Saturday.
        ("nora", "2026-11-27T23:00:00Z", "authorised by night shift"),
        ("nora", "2026-11-28T05:59:59Z", "authorised by night shift"),
        ("nora", "2026-11-28T06:00:00Z", "outside of night shift: it is for other times"),
        ("nora", "2026-11-28T23:00:00Z", "outside of night shift: it is for other times"),
        ("nora", "2026-11-27T03:00:00Z", "outside of night shift: it is for other times"),
    ] {
        assert_eq!(said(&deed(user, time)), expected, "{user} at {time}");
    }
}

#[test]
fn a_ticket_is_asked_for_besides() {
    let carl = deed("carl", NOON);
    let with = |annotations| said(&Deed { annotations, ..carl });
    assert_eq!(with(&[("example.com/change", "CHG-7")]), "authorised by changes with CHG-7");
    let outside = "outside of changes: it asks for a ticket that the object does not name";
    assert_eq!(with(&[("example.com/change", "later")]), outside);
    assert_eq!(with(&[]), outside);
    let eve = deed("eve", NOON);
    let forged = [("example.com/change", "CHG-7")];
    assert_eq!(said(&Deed { annotations: &forged, ..eve }), "unknown", "a ticket alone is nothing");
}

#[test]
fn mistakes_are_told_at_their_lines_and_authorise_nothing() {
    let text = r#"
authorised:
- who: {users: [ada]}
  does: {resources: ["*"]}
- name: nobody
  does: {resources: ["*"]}
- name: nothing
  who: {users: [ada]}
- name: mistakes
  who: {users: [ada], serviceAccounts: [deployer], people: [x]}
  does: {resources: ["*"]}
  from: [10.0.0.0/33]
  when: {days: [Someday], hours: "8-18", zone: Mars/Base, until: soon}
  ticket: {like: "CHG-*"}
- name: good
  who: {users: [ada]}
  does: {resources: ["*"]}
"#;
    let (authorised, problems) = declared(text);
    insta::assert_snapshot!(problems, @r#"
    authorised.yaml:3: a rule needs a `name`: it is told with what it authorises
    authorised.yaml:5: a rule needs `who`: users, groups or serviceAccounts
    authorised.yaml:7: a rule needs `does.resources`, such as `[deployments.apps]`; `["*"]` is everything
    authorised.yaml:10: `people` is not known here: write groups, serviceAccounts, users
    authorised.yaml:10: `deployer` is no service account: write NAMESPACE/NAME
    authorised.yaml:12: `10.0.0.0/33` is no network: write one as 10.0.0.0/8 or 2001:db8::/32
    authorised.yaml:13: `Mars/Base` is no time zone: write one as `Europe/Berlin`, `UTC` or `+02:00`
    authorised.yaml:13: hours are written as "08:00-18:00"
    authorised.yaml:13: the last day is written as 2027-01-31
    authorised.yaml:13: `Someday` is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun or Mon-Fri
    authorised.yaml:14: a ticket needs `annotation`: the key under which objects name it
    "#);
    assert_eq!(authorised.rules.len(), 1);
}

#[test]
fn what_can_match_nothing_is_told() {
    let declaration = |does: &str| {
        format!("authorised:\n- name: x\n  who: {{users: [ada]}}\n  does: {{{does}}}\n")
    };
    for (does, problem) in [
        (
            "resources: [pods, pods/exec, deployments.apps, '*', 'deploy*', widgets.example.com/status]",
            "",
        ),
        ("verbs: [get, 'deletec*', '*'], resources: [nodes/proxy, resourcequotas]", ""),
        ("verbs: [ptch], resources: [pods]", "`ptch` is no verb of a request"),
        ("resources: [deployment]", "`deployment` is no resource of the core group"),
        (
            "resources: [Deployments.apps]",
            "`Deployments.apps` is no resource: they are written in small",
        ),
        ("resources: [pods/exce]", "pods have no `exce`"),
    ] {
        let (authorised, problems) = declared(&declaration(does));
        assert_eq!(problems.is_empty(), problem.is_empty(), "{does}: {problems}");
        assert!(problems.contains(problem), "{does}: {problems}");
        assert_eq!(authorised.rules.len(), usize::from(problem.is_empty()), "{does}");
    }
}

#[test]
fn cases_say_what_is_otherwise() {
    let text = format!(
        r#"{DECLARED}
cases:
- name: right
  deed: {{user: oncall-ada, verb: patch, resource: deployments.apps, namespace: shop, address: 10.1.2.3, time: "{NOON}"}}
  expect: authorised
  rule: on-call
- name: wrong
  deed: {{user: oncall-ada, verb: patch, resource: deployments.apps, namespace: bank, time: "{NOON}"}}
  expect: authorised
- name: broken
  deed: {{user: ada}}
  expect: perhaps
"#
    );
    let documents = yaml::parse(&text, &Limits::default()).documents;
    let (authorised, _) = read("a.yaml", &documents);
    let (cases, problems) = read_cases("a.yaml", &documents);
    let endings: Vec<_> =
        cases.iter().map(|case| (case.name.as_str(), case.run(&authorised))).collect();
    assert_eq!(
        endings,
        [
            ("right", Ending::AsExpected),
            (
                "wrong",
                Ending::Otherwise(
                    "it is outside by `on-call`: it is for other namespaces or names".to_owned()
                )
            ),
        ]
    );
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].problem, "a case needs `expect`: authorised, outside, unknown");
}

proptest! {
    #[test]
    fn a_pattern_fits_as_a_regular_expression_would(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
        let expression = format!("^{}$", pattern.replace('*', ".*"));
        let expected = regex::Regex::new(&expression).unwrap().is_match(&text);
        prop_assert_eq!(Pattern(pattern).fits(&text), expected);
    }

    #[test]
    fn nobody_is_authorised_by_nothing(user in ".{0,12}", verb in ".{0,8}") {
        let authorised = Authorised::default();
        prop_assert_eq!(authorised.of(&Deed { user: &user, verb: &verb, ..deed("", NOON) }), Standing::Unknown);
    }
}

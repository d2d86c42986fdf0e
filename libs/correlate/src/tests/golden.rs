//! Scenes with the incidents that they must be told as.

use airside_types::attack::technique;
use airside_types::{
    Authorisation, ChartValue, Entity, Incident, Link, LinkRole, Origin, Payload, Relation,
    Revision, Severity, SourceLine, Verdict,
};

use super::scene::*;
use crate::{Settings, incidents_of};

/// The incidents as a reader sees them in short.
fn told(scene: &Scene) -> String {
    let mut incidents = incidents_of(&scene.records, &Settings::default());
    incidents.sort_by_key(|incident| (incident.first_seen, incident.id));
    incidents.iter().map(shown).collect::<Vec<_>>().join("\n")
}

fn shown(incident: &Incident) -> String {
    let rules: Vec<&str> = incident.evidence.iter().map(|piece| piece.rule.as_str()).collect();
    let stages: Vec<&str> = incident.stages.iter().map(|stage| stage.tactic.as_str()).collect();
    let mut lines = vec![
        format!("{}: {}", incident.severity, incident.title),
        format!("  evidence: {}", rules.join(", ")),
        format!("  stages: {}", stages.join(", ")),
    ];
    for cause in &incident.root_causes {
        lines.push(format!("  cause: {} at {}", cause.check, cause.place));
    }
    lines.join("\n") + "\n"
}

/// How severe each incident is, and how many signals it shows.
fn sizes(scene: &Scene) -> Vec<(Severity, usize)> {
    let incidents = incidents_of(&scene.records, &Settings::default());
    let mut sizes: Vec<_> =
        incidents.iter().map(|incident| (incident.severity, incident.evidence.len())).collect();
    sizes.sort_unstable();
    sizes
}

/// A person's stolen account execs into a pod; the pod's token is read and used from elsewhere.
fn stolen_account() -> Scene {
    let mut scene = Scene::new();
    let target = pod("pay", "books-7d9f8c6b5-x2x4x", "u-books");
    let named = Entity::pod("pay", "books-7d9f8c6b5-x2x4x", None);
    let role = object("rbac.authorization.k8s.io", "Role", "pay", "developers");
    let wide = object("rbac.authorization.k8s.io", "ClusterRole", "", "reads-everything");
    let books = account("pay", "books");
    let mallory = [user("eve"), from("198.51.100.9")];
    scene
        .fact(-90, &target, Relation::HasAddress, &Entity::Address { ip: "10.1.0.5".to_owned() })
        .fires(0, ASK_RIGHTS, &mallory)
        .fires(10, EXEC, &[user("eve"), from("198.51.100.9"), to(&named), allowed_by(&role)])
        .fires(11, SHELL, &[by_pod(&target)])
        .fires(20, TOKEN_FILE, &[by_pod(&target)])
        .fires(
            60,
            READ_SECRET,
            &[
                books.clone(),
                by_pod(&target),
                with_credential("JTI=1"),
                from("10.1.0.5"),
                allowed_by(&wide),
            ],
        )
        .fires(
            90,
            READ_SECRET,
            &[
                books,
                by_pod(&target),
                with_credential("JTI=1"),
                from("198.51.100.9"),
                to(&secret("pay", "bank")),
                allowed_by(&wide),
            ],
        )
        .fires(300, REFUSED, &[from("198.51.100.9")])
        .finding("may-exec", Severity::High, technique("T1609"), &role, &place("roles.yaml", 12))
        .finding(
            "reads-secrets",
            Severity::High,
            technique("T1552"),
            &wide,
            &place("roles.yaml", 40),
        )
        .finding(
            "no-limits",
            Severity::Medium,
            technique("T1499"),
            &wide,
            &place("roles.yaml", 41),
        );
    scene
}

#[test]
fn exec_then_shell_then_the_pods_token_used_elsewhere_is_one_incident() {
    insta::assert_snapshot!(told(&stolen_account()), @r#"
    medium: User eve (from 198.51.100.9) opened a session in Pod pay/books-7d9f8c6b5-x2x4x, read credentials and read Secret pay/bank
      evidence: rights, exec, shell, token-file, secret, secret, refused
      stages: discovery, execution, credential-access
      cause: may-exec at roles.yaml:12:1
      cause: reads-secrets at roles.yaml:40:1
    "#);
}

#[test]
fn the_owner_of_a_stolen_account_is_not_part_of_it() {
    let mut scene = stolen_account();
    let other = pod("pay", "web-1", "u-web");
    scene.fires(12, EXEC, &[user("eve"), from("10.9.0.1"), to(&other)]).fires(
        13,
        SHELL,
        &[by_pod(&other)],
    );
    let with = incidents_of(&scene.records, &Settings::default());
    let elsewhere = with.iter().find(|incident| incident.evidence.len() == 2).unwrap();
    assert_eq!(elsewhere.severity, Severity::Low);
    let stolen = with.iter().find(|incident| incident.evidence.len() == 7).unwrap();
    let two_places = "User eve acts from 198.51.100.9 while working from 10.9.0.1";
    assert!(stolen.terms.iter().any(|term| term.reason == two_places), "{:?}", stolen.terms);
}

#[test]
fn two_attackers_in_one_namespace_stay_two() {
    let mut scene = stolen_account();
    let resizer = pod("pay", "thumbs-0", "u-thumbs");
    let daemon = object("apps", "StatefulSet", "pay", "thumbs");
    scene
        .fact(-50, &resizer, Relation::OwnedBy, &with_uid(&daemon, "u-set"))
        .fact(-50, &resizer, Relation::RunsOn, &node("node-2"))
        .fires(5, SHELL, &[by_pod(&resizer)])
        .fires(30, ESCAPE, &[by_pod(&resizer)])
        .fires(70, SSH_KEY, &[on_node("node-2")])
        .fires(
            80,
            READ_SECRET,
            &[
                Link::new(LinkRole::Actor, node("node-2")),
                from("10.0.0.2"),
                to(&secret("pay", "ledger")),
            ],
        )
        .finding(
            "privileged",
            Severity::Critical,
            technique("T1611"),
            &daemon,
            &place("t.yaml", 9),
        );
    insta::assert_snapshot!(told(&scene), @r#"
    medium: User eve (from 198.51.100.9) opened a session in Pod pay/books-7d9f8c6b5-x2x4x, read credentials and read Secret pay/bank
      evidence: rights, exec, shell, token-file, secret, secret, refused
      stages: discovery, execution, credential-access
      cause: may-exec at roles.yaml:12:1
      cause: reads-secrets at roles.yaml:40:1

    critical: Pod pay/thumbs-0 reached out of the container to its node, left a way back in and read Secret pay/ledger
      evidence: shell, escape, ssh-key, secret
      stages: execution, privilege-escalation, persistence, credential-access
      cause: privileged at t.yaml:9:1
    "#);
}

#[test]
fn a_burst_of_deployments_is_no_incident() {
    let mut scene = Scene::new();
    let controller = account("kube-system", "replicaset-controller");
    for number in 0..40 {
        let name = format!("web-{number}");
        let deployment = with_uid(&object("apps", "Deployment", "shop", &name), &name);
        let made = pod("shop", &format!("{name}-x"), &format!("p{number}"));
        scene
            .decides(number, Verdict::Allow, &deployment, &[user("ci")])
            .decides(number, Verdict::Warn, &made, std::slice::from_ref(&controller))
            .fact(number, &made, Relation::OwnedBy, &deployment)
            .fires(number, LIST_PODS, &[user("ci"), from("10.3.0.8")]);
    }
    assert_eq!(sizes(&scene), []);
}

#[test]
fn an_administrator_who_looks_into_a_container_is_no_incident_of_weight() {
    let mut scene = Scene::new();
    let database = pod("pay", "db-0", "u-db");
    scene
        .fires(0, EXEC, &[user("root-bob"), from("10.9.0.2"), to(&database)])
        .fires(1, SHELL, &[by_pod(&database)])
        .fires(9, TOKEN_FILE, &[by_pod(&database)]);
    assert_eq!(sizes(&scene), [(Severity::Low, 3)]);
}

#[test]
fn a_token_that_a_pipeline_asked_for_and_used_is_no_incident_of_weight() {
    let mut scene = Scene::new();
    let token = Entity::Credential { id: "JTI=9".to_owned() };
    let ci = [user("ci"), from("10.3.0.8"), to(&token)];
    let used = [account("pay", "books"), with_credential("JTI=9"), from("10.3.0.8")];
    scene.fires(0, TOKEN, &ci).fires(5, READ_SECRET, &used).fires(50, READ_SECRET, &used);
    assert_eq!(sizes(&scene), [(Severity::Low, 3)]);
}

#[test]
fn a_token_is_joined_to_the_request_that_issued_it() {
    let token = Entity::Credential { id: "JTI=9".to_owned() };
    let books = Entity::service_account("pay", "books");
    let used = [account("pay", "books"), with_credential("JTI=9"), from("198.51.100.9")];
    let asked = [user("eve"), from("192.0.2.9"), to(&books)];
    let mut scene = Scene::new();
    scene.fires(0, TOKEN, &asked).fires(5_000, READ_SECRET, &used);
    assert_eq!(sizes(&scene), [(Severity::Low, 1), (Severity::Low, 1)]);
    scene.fact(0, &token, Relation::IssuedTo, &Entity::User { name: "eve".to_owned() }).fact(
        0,
        &token,
        Relation::IssuedFor,
        &books,
    );
    assert_eq!(sizes(&scene), [(Severity::Low, 2)]);
}

#[test]
fn what_an_attacker_leaves_behind_leads_back_to_the_attack() {
    let mut scene = Scene::new();
    let web = pod("shop", "web-1", "u-web");
    let job = object("batch", "CronJob", "shop", "warm");
    let live = with_uid(&job, "u-cron");
    let run = with_uid(&object("batch", "Job", "shop", "warm-1"), "u-job");
    let miner = pod("shop", "warm-1-abcde", "u-miner");
    let web_account =
        [account("shop", "web"), by_pod(&web), with_credential("JTI=2"), from("10.1.0.7")];
    let mut creates = web_account.to_vec();
    creates.push(to(&job));
    scene
        .fires(0, SHELL, &[by_pod(&web)])
        .fires(30, CRONJOB, &creates)
        .decides(30, Verdict::Allow, &live, &web_account)
        .fact(600, &run, Relation::OwnedBy, &live)
        .fact(600, &miner, Relation::OwnedBy, &run)
        .fires(4_000, MINER, &[by_pod(&miner)]);
    insta::assert_snapshot!(told(&scene), @r#"
    high: Pod shop/web-1 ran commands in a container, created CronJob shop/warm and mined cryptocurrency
      evidence: shell, admission/allow, cronjob, miner
      stages: execution, persistence, impact
    "#);
}

#[test]
fn a_live_pod_leads_through_decision_and_boarding_pass_to_the_manifest() {
    let mut scene = Scene::new();
    let deployment = object("apps", "Deployment", "shop", "web");
    let live = with_uid(&deployment, "u-dep");
    let set = with_uid(&object("apps", "ReplicaSet", "shop", "web-5d"), "u-rs");
    let web = pod("shop", "web-5d-abcde", "u-web");
    // The manifest has no namespace: it is given when it is applied.
    let scanned = object("apps", "Deployment", "", "web");
    let stands = place("deploy/web.yaml", 3);
    let pass = scene.pass(&scanned, &stands);
    scene
        .finding(
            "privileged",
            Severity::High,
            technique("T1611"),
            &scanned,
            &place("deploy/web.yaml", 21),
        )
        .finding(
            "privileged",
            Severity::High,
            technique("T1611"),
            &scanned,
            &place("other/web.yaml", 8),
        )
        .decides_by(
            -20,
            Verdict::Allow,
            &live,
            &[user("ci")],
            Authorisation::Authorised { pass, place: stands },
        )
        .fact(-10, &set, Relation::OwnedBy, &live)
        .fact(-10, &web, Relation::OwnedBy, &set)
        .fires(0, ESCAPE, &[by_pod(&web)]);
    let incidents = incidents_of(&scene.records, &Settings::default());
    let causes = &incidents[0].root_causes;
    assert_eq!(causes.len(), 1, "the pass names the file, so the other file is not meant");
    let lineage = causes[0].lineage.join("\n").replace(&pass.to_string(), "«pass»");
    insta::assert_snapshot!(lineage, @r#"
    Pod shop/web-5d-abcde is owned by ReplicaSet shop/web-5d
    ReplicaSet shop/web-5d is owned by Deployment shop/web
    Deployment shop/web was admitted as authorised by boarding pass «pass»
    The boarding pass was made from deploy/web.yaml:3:1
    Deployment web fails check privileged at deploy/web.yaml:21:1
    "#);
}

#[test]
fn a_root_cause_leads_on_to_the_commit_and_to_what_was_rendered() {
    let mut scene = Scene::new();
    let agent = pod("shop", "agent-1", "u-agent");
    let live = with_uid(&agent_deployment(), "u-dep");
    let stands = place("shop/templates/agent.yaml (rendered)", 2);
    let pass = scene.pass(&agent_deployment(), &stands);
    let reason = "nobody has signed it".to_owned();
    let untrusted = Authorisation::Untrusted { pass, place: stands.clone(), reason };
    scene
        .finding("privileged", Severity::High, technique("T1611"), &agent_deployment(), &stands)
        .decides_by(-20, Verdict::Allow, &live, &[user("ci")], untrusted)
        .fact(-10, &agent, Relation::OwnedBy, &live)
        .fires(0, ESCAPE, &[by_pod(&agent)]);
    for record in &mut scene.records {
        match &mut record.payload {
            Payload::BoardingPass(pass) => {
                let revision = Revision {
                    repository: Some("https://example.com/shop.git".to_owned()),
                    commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                    path: "shop".to_owned(),
                    is_dirty: true,
                };
                let origin = Origin { revision: Some(revision), rendering: None };
                pass.origin = Some(Box::new(origin));
            }
            Payload::Finding(finding) => {
                let value = ChartValue {
                    key: "agent.privileged".to_owned(),
                    place: Some(place("shop/values.yaml", 9)),
                };
                let place = place("shop/templates/agent.yaml", 31);
                finding.origin = Some(Box::new(SourceLine { place, values: vec![value] }));
            }
            _ => {}
        }
    }
    let incidents = incidents_of(&scene.records, &Settings::default());
    let lineage = incidents[0].root_causes[0].lineage.join("\n");
    insta::assert_snapshot!(lineage.replace(&pass.to_string(), "«pass»"), @r#"
    Pod shop/agent-1 is owned by Deployment shop/agent
    Deployment shop/agent was admitted as matching the untrusted boarding pass «pass»
    The boarding pass was made from shop/templates/agent.yaml (rendered):2:1, at commit 0123456789abcdef0123456789abcdef01234567 of https://example.com/shop.git, with changes that are not committed
    Deployment shop/agent fails check privileged at shop/templates/agent.yaml (rendered):2:1
    The line was rendered from shop/templates/agent.yaml:31:1, which takes agent.privileged at shop/values.yaml:9
    "#);
}

#[test]
fn an_incident_says_what_to_do() {
    let incidents = incidents_of(&stolen_account().records, &Settings::default());
    insta::assert_snapshot!(incidents[0].advice.join("\n"), @r#"
    In roles.yaml:12:1, spec of Role pay/developers: Put may-exec right.
    In roles.yaml:40:1, spec of ClusterRole reads-everything: Put reads-secrets right.
    Keep what you need for analysis, then delete Pod pay/books-7d9f8c6b5-x2x4x
    The token of Pod pay/books-7d9f8c6b5-x2x4x is in use at 198.51.100.9: deleting the pod ends the token
    Ask User eve whether this was their work from 198.51.100.9; if not, revoke their credentials
    Rotate Secret pay/bank
    "#);
}

#[test]
fn a_score_gives_its_reasons() {
    let incidents = incidents_of(&stolen_account().records, &Settings::default());
    let terms = incidents[0].terms.iter().map(|term| format!("{:>5} {}", term.points, term.reason));
    insta::assert_snapshot!(terms.collect::<Vec<_>>().join("\n"), @r#"
     270 execution: Exec into a pod (exec, low, 90 % sure)
     900 credential-access: Token file read (token-file, medium, 90 % sure)
     270 discovery: Own rights listed (rights, low, 90 % sure)
    1000 3 different goals pursued by joined signals
     500 seen independently by audit and runtime
    3000 the credential of Pod pay/books-7d9f8c6b5-x2x4x was used from 198.51.100.9, which is not the pod's address
    "#);
}

#[test]
fn blind_spots_during_an_incident_are_shown() {
    let mut scene = stolen_account();
    scene.gap(25, 40).gap(-100, -50).gap(400, 500);
    let incidents = incidents_of(&scene.records, &Settings::default());
    let shown: Vec<_> = incidents[0].gaps.iter().map(|gap| gap.from).collect();
    assert_eq!(shown, [at(25)]);
}

/// A pipeline deploys a risky workload; an hour later its pod is attacked. The gate decided on the
/// deployment at `decided`; the audit event names a decision where `named` does.
fn attacked_after_deployment(
    authorisation: Authorisation,
    decided: i64,
    named: Option<&str>,
) -> Scene {
    let mut scene = Scene::new();
    let deployment = agent_deployment();
    let live = with_uid(&deployment, "u-dep");
    let agent = pod("shop", "agent-1", "u-agent");
    let values: Vec<_> = named.into_iter().map(|id| ("decision-id", id)).collect();
    let links = [user("ci"), from("10.3.0.8"), to(&deployment)];
    scene
        .fires_with(0, RISKY_WORKLOAD, &links, &values)
        .decides_by(decided, Verdict::Warn, &live, &[user("ci")], authorisation)
        .fact(5, &agent, Relation::OwnedBy, &live)
        .fires(3_600, MINER, &[by_pod(&agent)]);
    scene
}

#[test]
fn who_deployed_what_was_agreed_is_no_part_of_an_attack_on_it() {
    let by_the_check_in = attacked_after_deployment(agreed(), 1, None);
    assert_eq!(sizes(&by_the_check_in), [(Severity::Low, 2), (Severity::High, 1)]);
    let past_the_check_in = attacked_after_deployment(Authorisation::Unknown, 1, None);
    assert_eq!(sizes(&past_the_check_in), [(Severity::Critical, 3)]);
}

#[test]
fn the_decision_that_an_audit_event_names_is_found_whatever_the_clocks_say() {
    let live = with_uid(&agent_deployment(), "u-dep");
    let named = Scene::new().decision_id(40, &live);
    let clocks_apart = attacked_after_deployment(agreed(), 40, Some(&named));
    assert_eq!(sizes(&clocks_apart), [(Severity::Low, 2), (Severity::High, 1)]);
    let not_named = attacked_after_deployment(agreed(), 40, None);
    assert_eq!(sizes(&not_named), [(Severity::Critical, 2)], "the deployment joins the attack");
    // An annotation of that name that another webhook wrote, about another object.
    let other = object("apps", "Deployment", "shop", "other");
    let elsewhere = Scene::new().decision_id(40, &other);
    let mut forged = attacked_after_deployment(Authorisation::Unknown, 1, Some(&elsewhere));
    forged.decides_by(40, Verdict::Allow, &other, &[user("ci")], agreed());
    assert_eq!(sizes(&forged), [(Severity::Critical, 4)], "it agrees to nothing");
}

fn agent_deployment() -> Entity {
    object("apps", "Deployment", "shop", "agent")
}

fn agreed() -> Authorisation {
    let stands = place("agent.yaml", 1);
    let pass = Scene::new().pass(&agent_deployment(), &stands);
    Authorisation::Authorised { pass, place: stands }
}

#[test]
fn what_was_refused_is_told_as_evidence_and_not_as_done() {
    let mut scene = Scene::new();
    let links = [user("eve"), from("198.51.100.9"), to(&secret("pay", "bank"))];
    scene.fires_with(0, READ_SECRET, &links, &[("responseStatus.code", "403")]);
    insta::assert_snapshot!(told(&scene), @r#"
    low: User eve (from 198.51.100.9): Secret read
      evidence: secret
      stages: credential-access
    "#);
}

#[test]
fn quiet_signals_illustrate_the_same_program_and_nothing_else() {
    let mut scene = Scene::new();
    let ann = [user("ann"), from("192.0.2.1")];
    let curl = [("userAgent", "curl/8")];
    let kubectl = [("userAgent", "kubectl/v1.33")];
    scene
        .fires_with(0, ASK_RIGHTS, &ann, &curl)
        .fires_with(5, LIST_PODS, &ann, &curl)
        .fires_with(6, LIST_PODS, &ann, &kubectl)
        .fires_with(700, LIST_PODS, &ann, &curl);
    assert_eq!(sizes(&scene), [(Severity::Low, 2)]);
}

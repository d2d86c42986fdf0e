//! Attacks in the midst of the week, each by its own identity, so that silence is no success.
//!
//! Each uses what clusters really lend an attacker: a pod's token, a person's login, a runner of pipelines. What is
//! done is what is done after a break-in; nothing is arranged so that a rule sees it.

mod logins;
mod tokens;
mod workloads;

use airside_types::{Entity, Timestamp};
use serde_json::{Value, json};

use crate::cluster::Pod;
use crate::event::{Asked, MINUTE, Micros, SECOND, Who};
use crate::week::Week;

/// An attack that was planted.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What it is.
    pub name: &'static str,
    /// Whose identity it is done with; an address where there is none.
    pub attacker: Entity,
    /// When it began.
    pub at: Timestamp,
}

type Attack = fn(&mut Week, Micros);

/// The attacks, each with the share of the plan's days, of a thousand, after which it begins.
const ATTACKS: &[(u32, Attack)] = &[
    (120, tokens::stolen_token),
    (190, workloads::miner),
    (260, logins::phished_login),
    (330, workloads::escape_to_node),
    (400, logins::administrator_for_all),
    (470, tokens::minted_token),
    (540, logins::impersonation),
    (600, tokens::stolen_kubelet),
    (660, logins::signed_certificate),
    (720, workloads::backdoor_webhook),
    (780, logins::destruction),
    (840, tokens::backup_of_secrets),
    (900, workloads::open_door),
    (950, workloads::shadow_job),
];

pub(crate) fn begin(week: &mut Week) {
    let span = i64::from(week.plan.days) * crate::event::DAY;
    for (share, attack) in ATTACKS {
        let jitter = week.chance_micros(20 * MINUTE);
        let when = week.start + span / 1000 * i64::from(*share) + jitter;
        week.at(when, *attack);
    }
}

fn plant(week: &mut Week, at: Micros, name: &'static str, attacker: Entity) {
    let at = Timestamp::from_nanos(at * 1000);
    week.planted.push(Planted { name, attacker, at });
}

/// Requests one after the other, some seconds apart.
fn steps(week: &mut Week, at: Micros, asked: &[Asked<'_>]) -> Micros {
    let mut at = at;
    for asked in asked {
        let pause = 3 * SECOND + week.chance_micros(25 * SECOND);
        at = week.ask(at + pause, asked);
    }
    at
}

fn pod_of(week: &Week, app: &str) -> Option<Pod> {
    week.cluster.pods.iter().find(|it| it.app == app).cloned()
}

fn account(pod: &Pod) -> Entity {
    Entity::service_account(&pod.namespace, &pod.account)
}

fn person(week: &Week, beginning: &str) -> Option<(Who, Entity)> {
    let person = week.cluster.people.iter().find(|it| it.who.name.starts_with(beginning))?;
    Some((person.who.clone(), Entity::User { name: person.who.name.clone() }))
}

/// An object as it is applied: with a name, where it has one a namespace, and more fields.
fn applied(kind: &str, version: &str, namespace: &str, name: &str, more: &Value) -> Value {
    let mut body = json!({ "kind": kind, "apiVersion": version, "metadata": { "name": name } });
    if let (Some(fields), Some(more)) = (body.as_object_mut(), more.as_object()) {
        if !namespace.is_empty() {
            fields.insert("metadata".to_owned(), json!({ "name": name, "namespace": namespace }));
        }
        fields.extend(more.clone());
    }
    body
}

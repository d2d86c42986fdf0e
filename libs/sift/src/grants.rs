//! Used grants: which bindings of RBAC allowed requests, since when, and when last.
//!
//! What is not here was granted and not used. It is also told as a fact, once a day for each binding, subject and user:
//! of what a group was granted, who of it uses it.

use airside_baseline::evidence::digest;
use airside_detect::audit;
use airside_types::{Entity, Fact, Id, Relation, Timestamp, UsedGrant};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::Change;

/// How many bindings and subjects are remembered in a cluster.
const MOST: usize = 4_000;
/// Of how many users of a binding and subject it is told in a day; those beyond are not: what so many use is everybody's.
const USERS: usize = 16;
const HOUR: i64 = 3_600 * 1_000_000_000;
const DAY: i64 = 24 * HOUR;
/// What was not used for so long is forgotten where there are too many.
const OLD: i64 = 90 * DAY;
/// What Kubernetes grants itself by default; of these no facts are told.
const OWN: &str = "system:";

/// What was used, by the authorizer's reason.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    uses: IndexMap<Box<str>, Use>,
    changed: Vec<Box<str>>,
    /// How often something has changed.
    version: u64,
}

/// First and last use, in nanoseconds; the last one to the hour.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Use {
    first: i64,
    last: i64,
    /// Kept behind the rest: what was kept before users were told apart has none.
    #[serde(skip)]
    users: Users,
}

/// Who was told as a user on a day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Users {
    /// In days since the Unix epoch.
    day: i64,
    /// By digest, in the order in which they came.
    told: Vec<u64>,
}

impl Users {
    /// Whether it is news that somebody is a user on a day.
    fn is_news(&mut self, user: &str, day: i64) -> bool {
        if day > self.day {
            self.day = day;
            self.told.clear();
        }
        if day < self.day || self.told.len() >= USERS {
            return false;
        }
        let user = digest(&[user]);
        let is_news = !self.told.contains(&user);
        if is_news {
            self.told.push(user);
        }
        is_news
    }
}

/// The form of the bytes. Raised whenever what is kept changes.
const FORM: u8 = 1;

impl Grants {
    /// Takes in that a request of somebody was allowed for a reason; tells it if that is news.
    pub(crate) fn take(&mut self, reason: &str, user: &str, time: Timestamp) -> Option<Fact> {
        if !self.note_use(reason, Some(user), time) {
            return None;
        }
        let used = audit::used_grant(reason, time)?;
        let by = audit::identity(user)?;
        let (subject, relation) = (Entity::Object(used.binding), Relation::UsedBy);
        let is_own = subject.name().starts_with(OWN);
        (!is_own).then_some(Fact { subject, relation, object: by, from: time, until: None })
    }

    /// Takes in that something was allowed for a reason, to somebody if that is to be told. Returns whether it is news that
    /// they use it.
    pub(crate) fn note_use(&mut self, reason: &str, user: Option<&str>, time: Timestamp) -> bool {
        let now = time.as_nanos();
        let hour = now.saturating_sub(now.rem_euclid(HOUR));
        let day = hour.div_euclid(DAY);
        if let Some(known) = self.uses.get_mut(reason) {
            let is_later = hour > known.last;
            known.last = known.last.max(hour);
            let is_news = user.is_some_and(|user| known.users.is_news(user, day));
            if is_later || is_news {
                self.changed.push(reason.into());
            }
            self.version += u64::from(is_later);
            return is_news;
        }
        // Other authorizers' reasons are none.
        if audit::used_grant(reason, time).is_none() {
            return false;
        }
        if self.uses.len() >= MOST {
            self.uses.retain(|_, known| known.last + OLD > now);
        }
        if self.is_full() {
            return false;
        }
        let told = user.map(|user| digest(&[user])).into_iter().collect();
        let users = Users { day, told };
        self.uses.insert(reason.into(), Use { first: now, last: hour, users });
        self.changed.push(reason.into());
        self.version += 1;
        user.is_some()
    }

    /// A number that differs whenever what was used differs.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Whether more is not remembered: what is not here may have been used.
    pub(crate) fn is_full(&self) -> bool {
        self.uses.len() >= MOST
    }

    /// What was used, by binding and subject.
    pub(crate) fn used(&self) -> Vec<UsedGrant> {
        let uses = self.uses.iter().filter_map(|(reason, known)| {
            let first = Timestamp::from_nanos(known.first);
            let last = Timestamp::from_nanos(known.last.max(known.first));
            Some(UsedGrant { last, ..audit::used_grant(reason, first)? })
        });
        let mut all: Vec<_> = uses.collect();
        all.sort();
        all
    }

    /// The rows that have changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let row = |reason: Box<str>| {
            let known = self.uses.get(&reason).map(|known| (FORM, &reason, known, &known.users));
            let key = Id::builder("sift/grant").text(&reason).finish();
            // A row is a text and some numbers, which can always be written.
            Change::Grant(key, known.and_then(|row| postcard::to_allocvec(&row).ok()))
        };
        changed.map(row).collect()
    }

    /// Takes a row back.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        if bytes.first() != Some(&FORM) {
            return Err("it is of another version".to_owned());
        }
        let ((_, reason, mut known), users): ((u8, Box<str>, Use), _) =
            postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
        if !users.is_empty() {
            known.users = postcard::from_bytes(users).map_err(|error| error.to_string())?;
        }
        self.uses.insert(reason, known);
        self.version += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: &str =
        r#"RBAC: allowed by RoleBinding "devs/shop" of Role "dev" to Group "devs""#;

    fn told(grants: &mut Grants, reason: &str, hour: i64) -> Option<String> {
        told_by(grants, reason, "ada", hour)
    }

    fn told_by(grants: &mut Grants, reason: &str, user: &str, hour: i64) -> Option<String> {
        let fact = grants.take(reason, user, Timestamp::from_nanos(hour * HOUR + 7))?;
        Some(format!("{} {} {}", fact.subject, fact.relation, fact.object))
    }

    #[test]
    fn a_use_is_told_once_a_day_and_kept_to_the_hour() {
        let mut grants = Grants::default();
        let expected = Some("RoleBinding shop/devs used-by User ada".to_owned());
        assert_eq!(told(&mut grants, REASON, 1), expected);
        assert_eq!(told(&mut grants, REASON, 1), None);
        assert_eq!(grants.take_changes().len(), 1);
        assert_eq!(told(&mut grants, REASON, 1), None);
        assert_eq!(grants.take_changes(), [], "nothing is written within the hour");
        assert_eq!(told(&mut grants, REASON, 20), None);
        assert_eq!(told(&mut grants, REASON, 30), expected);
        assert_eq!(told(&mut grants, "webhook says yes", 30), None);
        let used = grants.used();
        let shown: Vec<_> = used.iter().map(|it| (it.subject.as_str(), it.last)).collect();
        assert_eq!(shown, [("devs", Timestamp::from_nanos(30 * HOUR))]);
    }

    #[test]
    fn whoever_of_a_group_uses_what_it_was_granted_is_told_once_a_day() {
        let mut grants = Grants::default();
        for day in [1, 2] {
            for user in ["ada", "bob", "cleo"] {
                let expected = format!("RoleBinding shop/devs used-by User {user}");
                assert_eq!(told_by(&mut grants, REASON, user, 24 * day), Some(expected));
                assert_eq!(told_by(&mut grants, REASON, user, 24 * day + 1), None);
            }
        }
        assert_eq!(told_by(&mut grants, REASON, "dan", 24), None, "what comes a day late");
        let kept = grants.take_changes();
        let mut other = Grants::default();
        for change in &kept {
            let Change::Grant(_, Some(bytes)) = change else { continue };
            other.restore(bytes).unwrap();
        }
        assert_eq!(told_by(&mut other, REASON, "bob", 50), None, "it was told before the restart");
        let users = (0..100).map(|number| format!("user-{number}"));
        let told = users.filter(|user| told_by(&mut other, REASON, user, 50).is_some());
        assert_eq!(told.count(), USERS - 3, "there is a bound");
    }

    #[test]
    fn what_was_kept_before_users_were_told_apart_is_taken_back() {
        let mut grants = Grants::default();
        let first = 24 * HOUR;
        let bytes = postcard::to_allocvec(&(FORM, REASON, first, first)).unwrap();
        grants.restore(&bytes).unwrap();
        assert_eq!(grants.used().first().map(|it| it.first), Some(Timestamp::from_nanos(first)));
        assert!(told(&mut grants, REASON, 25).is_some());
    }

    #[test]
    fn what_kubernetes_grants_itself_is_no_news() {
        let mut grants = Grants::default();
        let own =
            REASON.replace("RoleBinding \"devs/shop\"", "ClusterRoleBinding \"system:basic-user\"");
        assert_eq!(told(&mut grants, &own.replace("Role \"dev\"", "ClusterRole \"x\""), 1), None);
        assert_eq!(grants.used().len(), 1);
    }

    #[test]
    fn there_is_a_bound_and_it_is_told() {
        let mut grants = Grants::default();
        for number in 0..5_000 {
            let _fact = told(&mut grants, &REASON.replace("devs", &format!("devs{number}")), 1);
        }
        assert_eq!((grants.used().len(), grants.is_full()), (MOST, true));
        assert!(told(&mut grants, REASON, 24 * 100).is_some(), "what is old makes room");
    }
}

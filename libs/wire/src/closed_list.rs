//! Closed lists: which value of the vocabulary is which number on the wire.

use airside_types::{
    FindingState, LinkRole, Operation, PassVerdict, Phase, QuietKind, Relation, Severity, Source,
    Tactic, Verdict,
};

use crate::invalid::{InvalidField, Problem};
use crate::v1;

/// A list of the vocabulary that is an enum on the wire, where 0 stands for nothing.
pub(crate) trait ClosedList: Sized + Copy {
    /// What a member is, for errors.
    const WHAT: &'static str;

    /// The number on the wire.
    fn to_wire(self) -> i32;

    /// The member with this number, if there is one.
    fn from_wire(value: i32) -> Option<Self>;
}

/// The number for a filter: 0 where there is none.
pub(crate) fn filter<T: ClosedList>(member: Option<T>) -> i32 {
    member.map_or(0, T::to_wire)
}

macro_rules! closed_list {
    ($name:ident, $what:literal, $($member:ident),+ $(,)?) => {
        impl From<$name> for v1::$name {
            fn from(member: $name) -> Self {
                match member {
                    $($name::$member => Self::$member,)+
                }
            }
        }

        impl TryFrom<v1::$name> for $name {
            type Error = InvalidField;

            fn try_from(value: v1::$name) -> Result<Self, Self::Error> {
                match value {
                    v1::$name::Unspecified => Err(InvalidField::new("", Problem::Missing)),
                    $(v1::$name::$member => Ok(Self::$member),)+
                }
            }
        }

        impl ClosedList for $name {
            const WHAT: &'static str = $what;

            fn to_wire(self) -> i32 {
                v1::$name::from(self).into()
            }

            fn from_wire(value: i32) -> Option<Self> {
                v1::$name::try_from(value).ok().and_then(|value| Self::try_from(value).ok())
            }
        }

        #[cfg(test)]
        impl tests::Named for $name {
            const MEMBERS: &'static [Self] = &Self::ALL;

            fn names(self) -> (String, &'static str) {
                (self.as_str().to_ascii_lowercase(), v1::$name::from(self).as_str_name())
            }
        }
    };
}

closed_list!(Severity, "severity", Info, Low, Medium, High, Critical);
closed_list!(Source, "source of records", Scan, Admission, Audit, Falco, Tetragon, Partner);
closed_list!(LinkRole, "part of an entity", Actor, Target, Means, Grant, Context, Cause);
closed_list!(Phase, "phase", Configuration, Admission, Audit, Runtime);
closed_list!(FindingState, "state of a finding", Open, Fixed, Gone);
closed_list!(QuietKind, "kind of quiet events", Unanswered, Discovery, Health, Lease);
closed_list!(PassVerdict, "verdict of a boarding pass", Clean, Flagged, Failed);
closed_list!(Verdict, "verdict", Allow, Warn, Deny);
closed_list!(Operation, "admission operation", Create, Update, Delete, Connect);
closed_list!(
    Relation,
    "relation between entities",
    Exists,
    OwnedBy,
    RunsOn,
    RunsAs,
    HasAddress,
    PartOf,
    RunsImage,
    IssuedFor,
    IssuedTo,
    GrantedBy,
    CreatedBy,
    ChangedBy,
    DeletedBy,
    UsedBy,
);
closed_list!(
    Tactic,
    "ATT&CK tactic",
    Reconnaissance,
    InitialAccess,
    Execution,
    Persistence,
    PrivilegeEscalation,
    DefenseEvasion,
    CredentialAccess,
    Discovery,
    LateralMovement,
    Collection,
    CommandAndControl,
    Exfiltration,
    Impact,
);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    pub(super) trait Named: Sized + 'static {
        const MEMBERS: &'static [Self];

        /// The vocabulary's name in lower case, and the wire's.
        fn names(self) -> (String, &'static str);
    }

    fn assert_one_to_one<T: Named + ClosedList + Debug + PartialEq>(prefix: &str) {
        assert_eq!(T::from_wire(0), None, "0 stands for nothing");
        for (at, member) in T::MEMBERS.iter().enumerate() {
            assert_eq!(member.to_wire(), i32::try_from(at + 1).unwrap(), "{member:?}");
            assert_eq!(T::from_wire(member.to_wire()), Some(*member));
            let (word, wire) = member.names();
            assert_eq!(wire.to_ascii_lowercase(), format!("{prefix}_{}", word.replace('-', "_")));
        }
        assert_eq!(T::from_wire(i32::try_from(T::MEMBERS.len() + 1).unwrap()), None);
        assert_eq!(T::from_wire(-1), None);
    }

    #[test]
    fn wire_and_vocabulary_have_the_same_members_under_the_same_names() {
        assert_one_to_one::<Severity>("severity");
        assert_one_to_one::<Source>("source");
        assert_one_to_one::<LinkRole>("link_role");
        assert_one_to_one::<Phase>("phase");
        assert_one_to_one::<FindingState>("finding_state");
        assert_one_to_one::<PassVerdict>("pass_verdict");
        assert_one_to_one::<Verdict>("verdict");
        assert_one_to_one::<Operation>("operation");
        assert_one_to_one::<Relation>("relation");
        assert_one_to_one::<Tactic>("tactic");
    }
}

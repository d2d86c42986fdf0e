//! Which fields of an event its source did not tell.

/// A field that a source may not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// [`Event::audit_id`](super::Event::audit_id): another id stands in its place.
    AuditId,
    /// [`Content::stage`](super::Content::stage): concluded from the kind of the record.
    Stage,
    /// [`Content::level`](super::Content::level): concluded from the bodies that are there.
    Level,
    /// [`Content::request_uri`](super::Content::request_uri): empty, so the query, such as the command of an
    /// exec, is not known.
    RequestUri,
    /// [`User::groups`](super::User::groups): empty.
    Groups,
    /// [`ResponseStatus::code`](super::ResponseStatus::code): concluded from another kind of code.
    ResponseCode,
    /// [`Event::stage_reached`](super::Event::stage_reached): the only time that the source has.
    StageTimestamp,
}

impl Field {
    const ALL: [Self; 7] = [
        Self::AuditId,
        Self::Stage,
        Self::Level,
        Self::RequestUri,
        Self::Groups,
        Self::ResponseCode,
        Self::StageTimestamp,
    ];

    /// The field's name in an event of Kubernetes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditId => "auditID",
            Self::Stage => "stage",
            Self::Level => "level",
            Self::RequestUri => "requestURI",
            Self::Groups => "user.groups",
            Self::ResponseCode => "responseStatus.code",
            Self::StageTimestamp => "stageTimestamp",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The fields of an event that its source did not tell: they are empty, or concluded from what it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inferred(u16);

impl Inferred {
    /// The set of some fields.
    pub(crate) fn of(fields: &[Field]) -> Self {
        Self(fields.iter().fold(0, |set, field| set | field.bit()))
    }

    /// Adds a field.
    pub(crate) const fn insert(&mut self, field: Field) {
        self.0 |= field.bit();
    }

    /// Whether a field is among them.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & field.bit() != 0
    }

    /// The fields, in the order of their listing.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field))
    }
}

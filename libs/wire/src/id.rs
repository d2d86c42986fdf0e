//! Messages that are an id and nothing else.

use airside_types::Id;

use crate::invalid::InvalidField;
use crate::{bounded, field, v1};

macro_rules! message_of_id {
    ($($message:ident, $field:ident;)+) => {$(
        impl From<Id> for v1::$message {
            fn from(id: Id) -> Self {
                Self { $field: bounded::id(id) }
            }
        }

        impl TryFrom<v1::$message> for Id {
            type Error = InvalidField;

            fn try_from(message: v1::$message) -> Result<Self, Self::Error> {
                field::id(stringify!($field), &message.$field)
            }
        }
    )+};
}

message_of_id! {
    GetIncidentRequest, id;
    GetFindingRequest, id;
    GetRawRecordsRequest, event_id;
    GetJobRequest, job_id;
    CancelJobRequest, job_id;
    SubmitResponse, job_id;
}

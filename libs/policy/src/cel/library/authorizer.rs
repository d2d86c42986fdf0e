//! The functions of `authorizer`. They are known, so that policies that ask it can be read; there is nobody
//! to ask here, so that what rests on an answer is not evaluated: the authorizer itself fails before.

use super::{Call, Function, Outcome, member};

use super::super::budget::Budget;

pub(super) const FUNCTIONS: &[Function] = &[
    member("group", (2, 2), "authorizer", nobody),
    member("resource", (2, 2), "authorizer", nobody),
    member("subresource", (2, 2), "authorizer", nobody),
    member("namespace", (2, 2), "authorizer", nobody),
    member("name", (2, 2), "authorizer", nobody),
    member("path", (2, 2), "authorizer", nobody),
    member("serviceAccount", (3, 3), "authorizer", nobody),
    member("fieldSelector", (2, 2), "authorizer", nobody),
    member("labelSelector", (2, 2), "authorizer", nobody),
    member("check", (2, 2), "authorizer", nobody),
    member("allowed", (1, 1), "bool", nobody),
    member("errored", (1, 1), "bool", nobody),
    member("reason", (1, 1), "string", nobody),
    member("error", (1, 1), "string", nobody),
];

const fn nobody<'a>(_: Call<'_, 'a>, _: &mut Budget) -> Outcome<'a> {
    Ok(None)
}

//! How a request ended: what the API server answered, and what that leaves open.

use super::{Request, body};

/// How the API server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// Authentication failed.
    Unauthenticated,
    /// Authorization or admission refused it.
    Forbidden,
    /// It failed for another reason.
    Failed,
    /// It was only tried out: the answer shows what would be, and nothing was kept.
    DryRun,
}

impl Request<'_> {
    /// How it ended, by the event alone.
    pub(super) fn ended(&self) -> Outcome {
        match self.event.response_status.code {
            Some(401) => Outcome::Unauthenticated,
            Some(403) => Outcome::Forbidden,
            Some(code @ 400..) if self.may_be_done(code) => Outcome::Done,
            Some(400..) => Outcome::Failed,
            _ if self.event.annotations.decision == "forbid" => Outcome::Forbidden,
            _ if self.event.response_status.status == "Failure" => Outcome::Failed,
            _ if self.is_dry_run() => Outcome::DryRun,
            _ => Outcome::Done,
        }
    }

    /// Whether what was asked for may be done although the answer is an error. The API server answers 504 when it has waited as
    /// long as the client's `timeout` says: what it writes may be in etcd all the same. Of a collection it deletes one object
    /// after the other, up to the one that fails. What it passes on has the answer of whoever got it: a kubelet says 500 when
    /// the command that it ran failed.
    fn may_be_done(&self, code: u16) -> bool {
        const NO_ANSWER: u16 = 504;
        let writes =
            matches!(self.verb(), "create" | "update" | "patch" | "delete" | "deletecollection");
        let is_passed_on = self.subresource() == "proxy";
        let is_in_part = self.verb() == "deletecollection" && matches!(code, 409 | 500);
        (writes && code == NO_ANSWER || is_in_part) && !self.is_dry_run()
            || is_passed_on && matches!(code, 400..=500 | NO_ANSWER)
    }

    /// The client asked to keep nothing: in the query, or in a deletion's options. The API server heeds that where it keeps
    /// something: not for reads and connections, nor for tokens and reviews, which are answered all the same. Of a deletion
    /// it reads the query only where there is no body, and without bodies in the log nobody knows.
    fn is_dry_run(&self) -> bool {
        const ANSWERED: [&str; 6] = [
            "localsubjectaccessreviews",
            "tokenreviews",
            "selfsubjectreviews",
            "selfsubjectrulesreviews",
            "selfsubjectaccessreviews",
            "subjectaccessreviews",
        ];
        const WANTED: &str = "dryRun=All";
        let in_query = || {
            let query = self.query();
            // Most queries need not be taken apart.
            query.contains(WANTED) && query.split('&').any(|pair| pair == WANTED)
        };
        match self.verb() {
            "create" | "update" | "patch" => {
                let is_kept = self.subresource() != "token"
                    && !self.is_long_running()
                    && !ANSWERED.contains(&self.resource());
                is_kept && in_query()
            }
            "delete" | "deletecollection" if !self.is_long_running() => {
                let has_body = self.event.request_object.is_some();
                let has_bodies = matches!(&*self.event.level, "Request" | "RequestResponse");
                !body::items(self.body(), "dryRun").is_empty()
                    || !has_body && has_bodies && in_query()
            }
            _ => false,
        }
    }
}

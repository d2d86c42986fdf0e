//! What a body tells: the sightings of its events, and letters about what is no event.
//!
//! A body that tells much is understood in pieces, of which a few are in memory at a time. What an event tells is
//! `airside-detect`'s; how pieces are handed over and become durable is `airside-service`'s.

use std::ops::ControlFlow;
use std::sync::Arc;

use airside_detect::audit::read::{self, Item, Room, Taker, Unreadable};
use airside_detect::audit::{KnownBy, Request, Telling, sight};
use airside_detect::authorised::Authorised;
use airside_detect::intake::{Clock, Intake};
use airside_service::intake::{
    Letters, PIECE_BYTES, Pieces, Received, Stopped, Understood, Weighed,
};
use airside_service::{HttpError, Service};
use airside_sigma::RuleSet;
use airside_types::{DeadLetter, SightingBatch};

use crate::AuditIngest;
use crate::judging::Judging;
use crate::raw::{RawKeeper, Raws};

/// Who sends a body, and so what a refusal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// It sends a batch again as it would have been; half of one is refused where nothing of it could be read.
    ApiServer,
    /// A cloud's service, which sends the same bytes again for days: what is within them is taken or set aside.
    Cloud,
}

/// A part of what a body tells, which is made durable together.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) understood: Understood,
    pub(crate) raws: Raws,
}

impl Piece {
    /// Whether it is to be handed over, by what is known without looking at all of it.
    const fn is_full(&self) -> bool {
        // In memory a batch is larger than on the wire.
        let sightings = self.understood.sightings.len() * BATCH_BYTES * 3;
        sightings + self.raws.bytes() >= PIECE_BYTES
    }
}

impl Weighed for Piece {
    fn weight(&self) -> usize {
        self.understood.weight() + self.raws.bytes()
    }
}

/// The sightings of a batch, and the letters about what is no event. A body that is no batch at all is
/// refused: the API server has it and will send it again.
pub fn understand(received: &Received, judging: &Judging) -> Result<Understood, HttpError> {
    let mut understood = Understood::default();
    add(received, judging, Sender::ApiServer, &mut understood, &mut Raws::nowhere())?;
    Ok(understood)
}

/// Adds what a body tells, as a whole.
pub(crate) fn add(
    received: &Received,
    judging: &Judging,
    sender: Sender,
    all: &mut Understood,
    raws: &mut Raws,
) -> Result<(), HttpError> {
    let before = all.letters.len();
    let piece =
        Piece { understood: std::mem::take(all), raws: std::mem::replace(raws, Raws::nowhere()) };
    let (told, piece) = Body::new(received, judging, piece, None).tell(sender);
    (*all, *raws) = (piece.understood, piece.raws);
    told.map_err(|stopped| {
        all.letters.truncate(before);
        stopped.into()
    })
}

/// What a body tells: hands over all pieces but the last one, which it returns.
pub(crate) fn in_pieces(
    received: &Received,
    judging: &Judging,
    sender: Sender,
    raw: &RawKeeper,
    pieces: &mut Pieces<Piece>,
) -> Result<Piece, Stopped> {
    let first = Piece { understood: Understood::default(), raws: raw.room(received) };
    let (told, last) = Body::new(received, judging, first, Some((pieces, raw))).tell(sender);
    told.map(|()| last)
}

/// A body that is being understood.
struct Body<'a, 'p> {
    received: &'a Received,
    intake: Intake<'a>,
    rules: Arc<RuleSet>,
    authorised: &'a Authorised,
    known: KnownBy<'a>,
    /// What it has told since a piece was handed over.
    piece: Piece,
    /// Where pieces go; none where all is told as a whole.
    pieces: Option<(&'p mut Pieces<Piece>, &'p RawKeeper)>,
    items: u64,
    letters: Letters,
    /// Why the document breaks off.
    broken: Option<String>,
    stopped: Option<Stopped>,
}

impl Taker for Body<'_, '_> {
    fn take(&mut self, item: Item<'_, '_>) -> ControlFlow<()> {
        self.items += 1;
        self.piece.understood.inputs += 1;
        match item.event {
            Ok(event) => {
                let request = Request::new(event, self.intake.profile).among(self.known);
                self.piece.raws.take(&request, item.bytes, &self.intake, self.received);
                let batch = current(&mut self.piece.understood.sightings, self.received);
                let own = self.rules.judge(event, &self.intake);
                let by = (Telling::ToCorrelate, self.authorised);
                sight((&request, item.bytes.len()), &self.intake, by, own, batch);
            }
            Err(why) => self.set_aside(why, item.bytes),
        }
        if self.piece.is_full() { self.hand_over() } else { ControlFlow::Continue(()) }
    }

    fn unpacks(&mut self, room: Room) -> ControlFlow<()> {
        let Some((pieces, _)) = &mut self.pieces else { return ControlFlow::Continue(()) };
        let granted = pieces.unpack(room.at_a_time, room.in_all);
        self.goes_on(granted)
    }
}

impl<'a, 'p> Body<'a, 'p> {
    fn new(
        received: &'a Received,
        judging: &'a Judging,
        piece: Piece,
        pieces: Option<(&'p mut Pieces<Piece>, &'p RawKeeper)>,
    ) -> Self {
        let (profile, known) = judging.of(&received.tenant, &received.cluster);
        let intake = Intake {
            tenant: &received.tenant,
            cluster: &received.cluster,
            clock: Clock::Live(received.time),
            profile,
            origin: None,
        };
        Self {
            received,
            intake,
            rules: judging.rules(&received.tenant),
            authorised: judging.authorised(&received.tenant),
            known,
            piece,
            pieces,
            items: 0,
            letters: Letters::default(),
            broken: None,
            stopped: None,
        }
    }

    /// Tells the body to its end, or as far as it is wanted.
    fn tell(mut self, sender: Sender) -> (Result<(), Stopped>, Piece) {
        let (received, known) = (self.received, self.known.all());
        read::record_for(Some(known), &mut self, 1, &received.body);
        if let Some(stopped) = self.stopped {
            return (Err(stopped), self.piece);
        }
        if let Some(why) = self.letters.of_the_rest() {
            self.piece.understood.letters.push(letter(received, &why, &[]));
        }
        // What came before a break is kept: sent again, the batch would break at the same place.
        let may_be_refused = self.broken.is_some() && sender == Sender::ApiServer;
        if self.letters.parts() < self.items || !may_be_refused && !is_no_batch(&received.body) {
            return (Ok(()), self.piece);
        }
        let why = self.broken.unwrap_or_else(|| NO_BATCH.to_owned());
        (Err(Stopped::Refused(HttpError::bad_request(why))), self.piece)
    }

    /// Notes what is no event.
    fn set_aside(&mut self, why: &Unreadable, bytes: &[u8]) {
        let broke_off = matches!(why, Unreadable::BrokenDocument { .. });
        self.broken = self.broken.take().or_else(|| broke_off.then(|| why.to_string()));
        if self.letters.is_next_written() {
            let letter = letter(self.received, &why.to_string(), bytes);
            self.piece.understood.letters.push(letter);
        }
    }

    fn hand_over(&mut self) -> ControlFlow<()> {
        let Some((pieces, raw)) = &mut self.pieces else { return ControlFlow::Continue(()) };
        let next = Piece { understood: Understood::default(), raws: raw.room(self.received) };
        let handed_over = pieces.hand_over(std::mem::replace(&mut self.piece, next));
        self.goes_on(handed_over)
    }

    fn goes_on(&mut self, so_far: Result<(), Stopped>) -> ControlFlow<()> {
        match so_far {
            Ok(()) => ControlFlow::Continue(()),
            Err(stopped) => {
                self.stopped = Some(stopped);
                ControlFlow::Break(())
            }
        }
    }
}

const NO_BATCH: &str = "the body is no EventList: send what an audit webhook sends";

/// How large a batch on the log gets, in bytes: the cost of each hardly falls beyond.
const BATCH_BYTES: usize = 64 << 10;

/// The batch that the next sighting goes to.
fn current<'b>(batches: &'b mut Vec<SightingBatch>, received: &Received) -> &'b mut SightingBatch {
    let is_full = |batch: &SightingBatch| batch.weight() >= BATCH_BYTES;
    let last = batches.pop_if(|batch| !is_full(batch));
    let Received { tenant, cluster, time, .. } = received;
    let next = last.unwrap_or_else(|| SightingBatch::new(tenant.clone(), cluster.clone(), *time));
    batches.push_mut(next)
}

/// A letter about what is no event.
pub(crate) fn letter(received: &Received, why: &str, bytes: &[u8]) -> DeadLetter {
    let letter = DeadLetter::new(AuditIngest::NAME, why, bytes, received.time);
    letter.of(&received.tenant, &received.cluster)
}

/// Whether a body is not even JSON: the sender has something to mend, and sends it again.
fn is_no_batch(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

#[cfg(test)]
mod tests {
    use airside_types::{Cluster, Tenant, Timestamp};
    use axum::body::Bytes;

    use super::*;

    fn received(body: &str) -> Received {
        Received {
            tenant: Tenant::default(),
            cluster: Cluster::default(),
            time: Timestamp::EPOCH,
            body: Bytes::from(body.to_owned()),
        }
    }

    #[test]
    fn what_is_set_aside_is_the_event_and_not_its_batch() {
        let exec = r#"{"kind":"Event","verb":"create","user":{"username":"ada"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web"}}"#;
        let body = format!(r#"{{"kind":"EventList","items":[{{"no":"event"}},{exec},"text"]}}"#);
        let understood = understand(&received(&body), &Judging::default()).unwrap();
        assert_eq!(understood.inputs, 3);
        let sightings: Vec<_> = understood.sightings.iter().flat_map(|it| &it.sightings).collect();
        assert_eq!(sightings.len(), 1);
        assert_eq!(sightings[0].records.len(), 1);
        let excerpts: Vec<_> = understood.letters.iter().map(|it| it.excerpt.as_str()).collect();
        assert_eq!(excerpts, [r#"{"no":"event"}"#, r#""text""#]);
    }

    /// An entry that the log does not take would be refused with all events of its batch.
    #[test]
    fn however_long_the_values_of_detections_are_a_batch_fits_the_log() {
        let path = format!("/etc/{}", "\u{10348}".repeat(400));
        let volumes = (0..20).map(|number| {
            format!(r#"{{"name":"v{number}","hostPath":{{"path":"{path}{number}"}}}}"#)
        });
        let volumes = volumes.collect::<Vec<_>>().join(",");
        let pod = |number: usize| {
            format!(
                r#"{{"verb":"create","auditID":"{number}","user":{{"username":"mallory"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p{number}"}},"responseStatus":{{"code":201}},"requestObject":{{"kind":"Pod","spec":{{"volumes":[{volumes}],"containers":[{{"name":"c","image":"i","securityContext":{{"privileged":true}}}}]}}}}}}"#
            )
        };
        let pods: Vec<_> = (0..60).map(pod).collect();
        let body = format!(r#"{{"kind":"EventList","items":[{}]}}"#, pods.join(","));
        let understood = understand(&received(&body), &Judging::default()).unwrap();
        let sizes: Vec<_> = understood
            .sightings
            .iter()
            .map(|batch| airside_wire::encode_sightings(batch).unwrap().len())
            .collect();
        // Of which a log takes at least eight times as many bytes.
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size < 2 * BATCH_BYTES), "{sizes:?}");
    }

    #[test]
    fn of_many_parts_that_are_no_events_a_few_are_set_aside_and_the_others_counted() {
        let body = format!(r#"{{"kind":"EventList","items":[{}1]}}"#, "1,".repeat(5_000));
        let received = received(&body);
        let mut understood = Understood::default();
        let (judging, mut raws) = (Judging::default(), Raws::nowhere());
        add(&received, &judging, Sender::Cloud, &mut understood, &mut raws).unwrap();
        assert_eq!((understood.inputs, understood.letters.len()), (5_001, 101));
        let last = &understood.letters.last().unwrap().reason;
        assert_eq!(last, "4901 more parts of the same body are no events either");
    }
}

//! What came from the server and was not returned yet.

use std::collections::VecDeque;

use airside_ports::{Entry, LogBatch, LogError, LostRange, Offset, ReadLimit, StoredEntry, Stream};

/// Messages in order, and what is missing before and between them.
#[derive(Debug, Default)]
pub(super) struct Received {
    messages: VecDeque<Arrived>,
    /// Missing before the first message.
    lost: Option<LostRange>,
}

#[derive(Debug)]
struct Arrived {
    offset: Offset,
    /// The entry, or why the message is none.
    entry: Result<Entry, String>,
    gap: Gap,
}

/// What lies between a message and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    /// Offsets from here on: of other partitions, or trimmed.
    Unknown(Offset),
    Lost(LostRange),
}

impl Received {
    /// Adds a message that came when the one at `expected` would have been the next.
    pub(super) fn push(&mut self, offset: Offset, entry: Result<Entry, String>, expected: Offset) {
        let gap = if offset == expected { Gap::None } else { Gap::Unknown(expected) };
        self.messages.push_back(Arrived { offset, entry, gap });
    }

    /// Notes that retention was faster than the reader.
    pub(super) fn lose(&mut self, range: LostRange) {
        self.lost = Some(range);
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.messages.iter().map(Arrived::bytes).sum()
    }

    /// Whether there are gaps that [`Self::judge_gaps`] has to be asked about.
    pub(super) fn has_unknown_gaps(&self) -> bool {
        self.messages.iter().any(|arrived| matches!(arrived.gap, Gap::Unknown(_)))
    }

    /// Tells what was trimmed from what is others', by the first offset of the stream. It only ever grows: a
    /// gap that lies behind it now lay behind it all the time.
    pub(super) fn judge_gaps(&mut self, first: Offset) {
        for arrived in &mut self.messages {
            if let Gap::Unknown(from) = arrived.gap {
                let until = first.min(arrived.offset);
                arrived.gap =
                    if first > from { Gap::Lost(LostRange { from, until }) } else { Gap::None };
            }
        }
    }

    /// What is to be returned, if there is anything; `next` is where reading goes on behind the last message.
    pub(super) fn take(
        &mut self,
        stream: Stream,
        limit: ReadLimit,
        next: Offset,
    ) -> Option<Result<LogBatch, LogError>> {
        let mut lost = self.lost.take();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some(first) = self.messages.front_mut() {
            bytes += first.bytes();
            let over = entries.len() >= limit.entries || bytes > limit.bytes;
            if !entries.is_empty() && (over || first.gap != Gap::None || first.entry.is_err()) {
                break;
            }
            if let Gap::Lost(range) = first.gap {
                lost = Some(LostRange { from: lost.map_or(range.from, |lost| lost.from), ..range });
                first.gap = Gap::None;
            }
            match &first.entry {
                Ok(entry) => {
                    entries.push(StoredEntry { offset: first.offset, entry: entry.clone() });
                    self.messages.pop_front();
                }
                // Told again and again until a reader is opened behind it; a loss before it is told first.
                Err(_) if lost.is_some() => break,
                Err(reason) => {
                    let (offset, reason) = (first.offset, reason.clone());
                    return Some(Err(LogError::Damaged { stream, offset, reason }));
                }
            }
        }
        if entries.is_empty() && lost.is_none() {
            return None;
        }
        let next = match (entries.last(), self.messages.front()) {
            (Some(last), Some(_)) => last.offset.after(),
            (None, Some(first)) => first.offset,
            (_, None) => next,
        };
        Some(Ok(LogBatch { entries, next, lost }))
    }
}

impl Arrived {
    fn bytes(&self) -> usize {
        self.entry.as_ref().map_or(0, |entry| entry.payload.len())
    }
}

#[cfg(test)]
mod tests {
    use airside_ports::{Headers, Partition};

    use super::*;

    fn entry() -> Result<Entry, String> {
        let headers = Headers { message: String::new(), trace_parent: None };
        Ok(Entry { partition: Partition(0), headers, payload: "1234567890".into() })
    }

    /// A batch as what was lost, the offsets of its entries, and where to go on.
    type Taken = (Option<(u64, u64)>, Vec<u64>, u64);

    /// Takes everything up to an error.
    fn taken(received: &mut Received, next: u64) -> Vec<Taken> {
        let mut all = Vec::new();
        while let Some(batch) = received.take(Stream::Activity, ReadLimit::default(), Offset(next))
        {
            let Ok(batch) = batch else { break };
            let lost = batch.lost.map(|lost| (lost.from.0, lost.until.0));
            all.push((lost, batch.entries.iter().map(|e| e.offset.0).collect(), batch.next.0));
        }
        all
    }

    #[test]
    fn a_gap_is_lost_as_far_as_the_stream_was_trimmed() {
        // The stream's first offset, and what is reported between 2 and 9.
        for (first, lost) in
            [(1, None), (2, None), (3, Some((2, 3))), (9, Some((2, 9))), (99, Some((2, 9)))]
        {
            let mut received = Received::default();
            received.push(Offset(1), entry(), Offset(1));
            received.push(Offset(9), entry(), Offset(2));
            assert!(received.has_unknown_gaps());
            received.judge_gaps(Offset(first));
            assert!(!received.has_unknown_gaps());
            let expected = if lost.is_some() {
                vec![(None, vec![1], 2), (lost, vec![9], 10)]
            } else {
                vec![(None, vec![1, 9], 10)]
            };
            assert_eq!(taken(&mut received, 10), expected, "first {first}");
        }
    }

    #[test]
    fn a_message_that_is_no_entry_is_told_after_what_comes_before_it() {
        let mut received = Received::default();
        received.lose(LostRange { from: Offset(1), until: Offset(4) });
        received.push(Offset(4), entry(), Offset(4));
        received.push(Offset(6), Err("no partition".to_owned()), Offset(5));
        received.judge_gaps(Offset(6));
        assert_eq!(
            taken(&mut received, 7),
            [(Some((1, 4)), vec![4], 5), (Some((5, 6)), vec![], 6)],
        );
        for _ in 0..2 {
            let told = received.take(Stream::Activity, ReadLimit::default(), Offset(7));
            assert!(matches!(told, Some(Err(LogError::Damaged { offset: Offset(6), .. }))));
        }
    }
}

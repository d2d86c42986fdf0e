//! `airside detect`: the detection rules over files of events, however long they are.
//!
//! `files` says which are read, `pieces` reads them, `finder` finds, `wanted` chooses what is told; it is told as
//! lines of JSON (`told`), as a summary, or as the timeline of one actor or object.

mod explain;
mod files;
mod finder;
mod pieces;
mod print;
mod progress;
mod subject;
mod summary;
mod timeline;
mod told;
mod wanted;

use std::io::{BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use airside_detect::audit;
use airside_detect::intake::{Intake, Origin};
use airside_detect::runtime::RuntimeSource;
use airside_types::{Payload, Record};
use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use self::files::Files;
use self::finder::Finder;
use self::pieces::Piece;
use self::progress::Progress;
use self::subject::Subject;
use self::summary::Summary;
use self::timeline::Timeline;
use self::wanted::Wanted;
use crate::cli::{DetectArguments, OutputFormat};
use crate::command::Outcome;
use crate::command::authorised::Declarations;
use crate::command::rules::OwnRules;
use crate::recording::lines;
use crate::show;

/// Sensors that other commands name, and whose records are not read.
const NOT_YET: [&str; 3] = ["hubble", "kubearmor", "tracee"];
/// How many records that are no events are told of a file; the rest is counted.
const SHOWN_UNREADABLE: u64 = 20;
/// How long it may take until an interruption is noticed while nothing comes.
const NOTICE: Duration = Duration::from_millis(100);

pub(super) fn run(arguments: &DetectArguments) -> anyhow::Result<Outcome> {
    if NOT_YET.contains(&&*arguments.source) {
        show::remark(&format!("`{}` is not understood yet", arguments.source));
        return Ok(Outcome::Good);
    }
    let sensor = sensor(&arguments.source)?;
    let own = OwnRules::read(&arguments.rules);
    own.tell_problems();
    let declarations = Declarations::read(&arguments.authorised);
    declarations.tell_problems();
    let wanted = Wanted::of(arguments, &own.set)?;
    let subject = arguments.timeline.as_deref().map(Subject::parse).transpose()?;
    anyhow::ensure!(subject.is_none() || sensor.is_none(), "--timeline is of audit events only");
    let (files, taken) = (Files::of(&arguments.files), Arc::<AtomicU64>::default());
    files.problems.iter().for_each(|problem| show::error(problem));
    if files.left_out > 0 {
        let files = counted(files.left_out, "file");
        show::remark(&format!("not read: {files} without the name of a log"));
    }
    let prints_lines = arguments.output == OutputFormat::Json && subject.is_none();
    let names: Vec<String> = files.paths.iter().map(|path| path.display().to_string()).collect();
    let sink = match subject {
        Some(subject) => Sink::Timeline(Timeline::of(subject)),
        None if prints_lines => Sink::Lines(BufWriter::new(std::io::stdout())),
        None => Sink::Summary(Summary::default()),
    };
    let mut detecting = Detecting {
        finder: Finder::new(&own.set, &declarations.authorised),
        wanted,
        sink,
        progress: Progress::new(files.bytes, Arc::clone(&taken), prints_lines),
        unreadable: 0,
        unreadable_of_file: 0,
        is_incomplete: !files.problems.is_empty(),
        sensor,
    };
    let interrupted = Interrupted::watch()?;
    let pieces = pieces::read(files.paths, sensor.is_none(), taken)
        .context("a thread that reads cannot be started")?;
    detecting.take_all(&pieces, &names, sensor, &interrupted)?;
    detecting.finish(arguments.output)?;
    if arguments.explain {
        explain::print(detecting.finder.ledger())?;
    }
    Ok(match (own.outcome(), declarations.outcome(), detecting.is_incomplete) {
        (Outcome::Good, Outcome::Good, false) => Outcome::Good,
        _ => Outcome::Unreadable,
    })
}

/// The sensor that a source is; none for the audit log.
fn sensor(source: &str) -> anyhow::Result<Option<RuntimeSource>> {
    let sensor = RuntimeSource::ALL.into_iter().find(|it| it.source().as_str() == source);
    anyhow::ensure!(
        sensor.is_some() || source == "audit",
        "there is no source `{source}`: use audit, falco or tetragon"
    );
    Ok(sensor)
}

/// Whether somebody pressed Ctrl-C.
#[derive(Debug)]
struct Interrupted {
    is_so: Arc<AtomicBool>,
    /// Waits for the signal as long as this lives.
    _runtime: tokio::runtime::Runtime,
}

impl Interrupted {
    fn watch() -> anyhow::Result<Self> {
        let (runtime, is_so) = (airside_node::runtime()?, Arc::<AtomicBool>::default());
        let told = Arc::clone(&is_so);
        // From here on, and not only when the task first runs.
        let mut interrupt = {
            let _within = runtime.enter();
            signal(SignalKind::interrupt())?
        };
        runtime.spawn(async move {
            interrupt.recv().await;
            told.store(true, Ordering::Relaxed);
        });
        Ok(Self { is_so, _runtime: runtime })
    }

    fn is_so(&self) -> bool {
        self.is_so.load(Ordering::Relaxed)
    }
}

/// Where to what was found goes.
#[derive(Debug)]
enum Sink {
    Lines(BufWriter<Stdout>),
    Summary(Summary),
    Timeline(Timeline),
}

#[derive(Debug)]
struct Detecting<'r> {
    finder: Finder<'r>,
    wanted: Wanted,
    sink: Sink,
    progress: Progress,
    unreadable: u64,
    unreadable_of_file: u64,
    /// Whether something was not read.
    is_incomplete: bool,
    sensor: Option<RuntimeSource>,
}

impl Detecting<'_> {
    fn take_all(
        &mut self,
        pieces: &Receiver<Piece>,
        names: &[String],
        sensor: Option<RuntimeSource>,
        interrupted: &Interrupted,
    ) -> anyhow::Result<()> {
        let mut before = None;
        loop {
            let received = pieces.recv_timeout(NOTICE);
            if interrupted.is_so() {
                self.is_incomplete = true;
                self.progress.aside(|| show::remark("interrupted: the rest is not read"));
                return Ok(());
            }
            let piece = match received {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let file = piece.file();
            if before.replace(file) != Some(file) {
                self.end_file();
            }
            let name = names.get(file).map_or("", String::as_str);
            self.piece(piece, name, sensor, interrupted)?;
        }
    }

    fn piece(
        &mut self,
        piece: Piece,
        name: &str,
        sensor: Option<RuntimeSource>,
        interrupted: &Interrupted,
    ) -> anyhow::Result<()> {
        let (first, bytes) = match piece {
            Piece::Problem { line, problem, .. } => {
                self.is_incomplete = true;
                let place = if line > 1 { format!("{name}:{line}") } else { name.to_owned() };
                self.progress.aside(|| show::error(&format!("{place}: {problem}")));
                return Ok(());
            }
            Piece::Document { bytes, .. } => {
                let mut failed = None;
                let known = self.finder.known();
                audit::read::input_among(&known, &bytes, &mut |item| {
                    if failed.is_none() && !interrupted.is_so() {
                        failed = self.item(name, &item).err();
                    }
                });
                return failed.map_or(Ok(()), Err);
            }
            Piece::Lines { first, bytes, .. } => (first, bytes),
        };
        let known = self.finder.known();
        for (number, line) in lines(&bytes) {
            let line_number = first.saturating_add(number - 1);
            if is_being_written(&bytes, line) {
                let place = format!("{name}:{line_number}");
                let told = format!("{place}: this last line is not whole yet, and is left out");
                self.progress.aside(|| show::remark(&show::clean(&told)));
                continue;
            }
            match sensor {
                Some(sensor) => self.sensed(sensor, name, line_number, line)?,
                None => {
                    let mut failed = None;
                    audit::read::record_among(&known, line_number, line, &mut |item| {
                        if failed.is_none() && !interrupted.is_so() {
                            failed = self.item(name, &item).err();
                        }
                    });
                    failed.map_or(Ok(()), Err)?;
                }
            }
        }
        self.flush()
    }

    fn item(&mut self, path: &str, item: &audit::read::Item<'_, '_>) -> anyhow::Result<()> {
        let origin = Origin { path, line: item.line };
        let event = match item.event {
            Ok(event) => event,
            Err(why) => {
                self.refuse(origin, why);
                return Ok(());
            }
        };
        let Self { finder, sink, wanted, .. } = self;
        let mut told = Ok(());
        finder.event(event, item.bytes.len(), origin, &mut |intake, records| {
            told = sink.take(Some((event, intake)), records, wanted);
        });
        self.progress.took_one();
        told
    }

    fn sensed(
        &mut self,
        sensor: RuntimeSource,
        path: &str,
        line: u32,
        text: &[u8],
    ) -> anyhow::Result<()> {
        let origin = Origin { path, line };
        match self.finder.sensed(sensor, text, origin) {
            Ok(records) => {
                self.sink.take(None, &records, &self.wanted)?;
                self.progress.took_one();
            }
            Err(why) => self.refuse(origin, &why),
        }
        Ok(())
    }

    fn refuse(&mut self, at: Origin<'_>, why: &dyn std::fmt::Display) {
        self.unreadable += 1;
        self.unreadable_of_file += 1;
        if self.unreadable_of_file <= SHOWN_UNREADABLE {
            let Origin { path, line } = at;
            self.progress.aside(|| show::remark(&show::clean(&format!("{path}:{line}: {why}"))));
        }
    }

    fn end_file(&mut self) {
        let more = self.unreadable_of_file.saturating_sub(SHOWN_UNREADABLE);
        if more > 0 {
            self.progress.aside(|| show::remark(&format!("and {more} more of this file")));
        }
        self.unreadable_of_file = 0;
    }

    /// What comes by a stream is told when it comes.
    fn flush(&mut self) -> anyhow::Result<()> {
        if let Sink::Lines(out) = &mut self.sink {
            out.flush()?;
        }
        Ok(())
    }

    fn finish(&mut self, output: OutputFormat) -> anyhow::Result<()> {
        let last = self.finder.finish();
        self.sink.take(None, &last, &self.wanted)?;
        self.end_file();
        self.progress.end();
        if self.unreadable > 0 {
            let records = counted(self.unreadable, "record");
            show::remark(&format!("{records} could not be understood"));
            if self.progress.events() == 0 {
                let what = self.sensor.map_or("an audit log", |it| it.source().as_str());
                let others = RuntimeSource::ALL.map(|it| it.source().as_str()).join(", ");
                show::remark(&format!(
                    "this is not {what}: `--source` says what it is instead, of audit, {others}"
                ));
            }
        }
        match &mut self.sink {
            Sink::Lines(out) => Ok(out.flush()?),
            Sink::Summary(summary) => {
                let passed_over = self.wanted.passed_over();
                if passed_over > 0 {
                    let found = counted(passed_over, "detection");
                    show::remark(&format!("not asked for, and left out: {found}"));
                } else if summary.is_empty() && self.progress.events() + self.unreadable == 0 {
                    show::remark("there is no event in what was read");
                } else if summary.is_empty() && self.progress.events() > 0 {
                    show::remark(&format!("no rule fired on {} events", self.progress.events()));
                }
                Ok(show::print(&summary.text())?)
            }
            Sink::Timeline(timeline) => print_timeline(timeline, output),
        }
    }
}

/// Whether a line is the last one of a log that is being written: it has no end yet, and its JSON breaks off.
fn is_being_written(bytes: &[u8], line: &[u8]) -> bool {
    let is_last = !bytes.ends_with(b"\n") && bytes.trim_ascii_end().ends_with(line);
    let breaks_off = || {
        let read = serde_json::from_slice::<serde::de::IgnoredAny>(line);
        line.first() == Some(&b'{') && read.is_err_and(|error| error.is_eof())
    };
    is_last && breaks_off()
}

/// So many of something, in words.
fn counted(count: impl Into<u64>, what: &str) -> String {
    let count = count.into();
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn print_timeline(timeline: &mut Timeline, output: OutputFormat) -> anyhow::Result<()> {
    timeline.join_ends();
    if timeline.left_out > 0 {
        let more = counted(timeline.left_out, "event");
        show::remark(&format!("{more} more than there is room for: ask with --since and --until"));
    }
    if timeline.events() == 0 {
        let name = timeline.subject.name();
        show::remark(&format!("no event is of `{}`", show::clean(name)));
    }
    match output {
        OutputFormat::Json => print::json_lines(timeline),
        OutputFormat::Text if timeline.events() == 0 => Ok(()),
        OutputFormat::Text => print::text(timeline),
    }
}

impl Sink {
    /// Takes in what an event, or several together, told.
    fn take(
        &mut self,
        of: Option<(&audit::Event<'_>, &Intake<'_>)>,
        records: &[Record],
        wanted: &Wanted,
    ) -> anyhow::Result<()> {
        let found = records.iter().filter_map(|record| match &record.payload {
            Payload::Detection(found) if wanted.takes(found, record.event_time) => {
                Some((found, record))
            }
            _ => None,
        });
        match self {
            Self::Lines(out) => {
                for (detection, record) in found {
                    writeln!(out, "{}", told::detection_json(detection, record.event_time))?;
                }
            }
            Self::Summary(summary) => {
                found.for_each(|(detection, record)| summary.take(detection, record.event_time));
            }
            Self::Timeline(timeline) => {
                let found: Vec<&Record> = found.map(|(_, record)| record).collect();
                match of {
                    Some((event, intake)) => {
                        let is_asked = event.time().is_none_or(|time| wanted.is_within(time));
                        if is_asked {
                            timeline.event(event, intake, &found);
                        }
                    }
                    None => found.into_iter().for_each(|record| timeline.detection(record)),
                }
            }
        }
        Ok(())
    }
}

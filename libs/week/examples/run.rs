#![allow(clippy::all, clippy::print_stdout, clippy::unwrap_used, missing_docs)]
use airside_week::{Plan, Week, watch::Watch};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let plan = Plan {
        days: a[1].parse().unwrap(),
        workers: a[2].parse().unwrap(),
        attacks: a[3] == "1",
        seldom: a.get(6).map_or(1, |s| s.parse().unwrap()),
        seed: a.get(5).map_or(7, |s| s.parse().unwrap()),
    };
    let mut week = Week::new(plan);
    if let Some(path) = a.get(4).filter(|p| *p != "-") {
        use std::io::Write;
        let mut f = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        while let Some(lines) = week.next_hour() {
            for l in lines {
                writeln!(f, "{l}").unwrap();
            }
        }
        return;
    }
    let authorised = Default::default();
    let mut watch = Watch::new(&authorised);
    let t = std::time::Instant::now();
    while let Some(lines) = week.next_hour() {
        watch.take(&lines);
    }
    println!("{} events {} unreadable {:?}", watch.events, watch.unreadable, t.elapsed());
    for ((s, r), n) in &watch.detections {
        println!("{:8} {r} {n}", s.0.as_str());
    }
    for i in watch.incidents().filter(|i| i.severity >= airside_types::Severity::Medium) {
        let f = watch.false_incidents(week.planted()).any(|x| x.id == i.id);
        println!(
            "\n{} {} {} [{}..{}] score {} evidence {}",
            if f { "FALSE" } else { "true" },
            i.severity,
            i.title,
            i.first_seen,
            i.last_seen,
            i.score,
            i.evidence.len()
        );
        if f {
            for e in i.evidence.iter().take(14) {
                println!("    {} {} {} {}", e.time, e.severity, e.rule, e.summary);
            }
            for t in &i.terms {
                println!("    term {} {}", t.points, t.reason);
            }
        }
    }
    for p in week.planted() {
        println!("planted {} {} {}", p.at, p.attacker, p.name);
    }
    for m in watch.missed(week.planted()) {
        println!("MISSED {}", m.name);
    }
}

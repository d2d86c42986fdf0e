//! Whom the gate believes: passes that a trusted key signed, as a whole and for this cluster.

use airside_auth::signature::{STATEMENT_TYPE, SigningKey};
use airside_k8s::admission::Review;
use airside_k8s::boarding_pass::statement::statement;
use airside_k8s::boarding_pass::{digest_of, fields};
use airside_k8s::{Object, Value, json};
use airside_terms::TermsInForce;
use airside_types::{
    AcceptedFinding, Attestation, Authorisation, FieldDigest, FieldPath, PassVerdict, Place,
    Source, Timestamp,
};

use super::*;
use crate::gate::{Judgement, Policy, Seen, judge};

/// Keys that are made of one byte again and again.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=
-----END PUBLIC KEY-----
";
const OTHER_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI
-----END PRIVATE KEY-----
";

fn manifest() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "web", "namespace": "shop" }, "data": { "mode": "fast" },
    })
}

fn pass() -> BoardingPass {
    let manifest = manifest();
    let object = Object::new(&manifest).unwrap();
    let fields = fields(&object);
    BoardingPass {
        object: object.object_ref(),
        digest: digest_of(&object, &fields),
        place: Place { path: "web.yaml".into(), line: 1, column: 1 },
        template: None,
        verdict: PassVerdict::Failed,
        findings: Vec::new(),
        fields,
        origin: None,
        rules: None,
        accepted: Vec::new(),
        attestation: None,
    }
}

fn signed(pass: &BoardingPass, cluster: &str, key: &str) -> BoardingPass {
    let key = SigningKey::from_pem(key.as_bytes()).unwrap();
    let statement = statement(pass, &Cluster::new(cluster).unwrap());
    let signature = key.sign(STATEMENT_TYPE, &statement);
    let attestation = Attestation { statement, key: key.id().to_owned(), signature };
    BoardingPass { attestation: Some(attestation), ..pass.clone() }
}

fn record(pass: BoardingPass) -> Record {
    let (tenant, cluster) = (Tenant::default(), Cluster::default());
    Record {
        id: pass.id(&tenant, &cluster),
        tenant,
        cluster,
        source: Source::Scan,
        event_time: Timestamp::EPOCH,
        ingest_time: Timestamp::EPOCH,
        payload: Payload::BoardingPass(pass),
    }
}

fn trusting(pems: &[&str]) -> Passes {
    let mut keys = TrustedKeys::default();
    pems.iter().for_each(|pem| keys.add_pem(pem.as_bytes()).unwrap());
    Passes::new(8, keys)
}

/// What the gate says of the object that was scanned: the state, and the reason where there is one.
fn said(passes: &Passes) -> (&'static str, String) {
    let judgement = judged(passes, &manifest());
    let Payload::Decision(decision) = &judgement.record.payload else { unreachable!() };
    let annotated = judgement.response.audit_annotations.get("untrusted-because").cloned();
    let reason = match &decision.authorisation {
        Authorisation::Untrusted { reason, .. } => reason.clone(),
        _ => String::new(),
    };
    assert_eq!(annotated.unwrap_or_default(), reason);
    (decision.authorisation.as_str(), reason)
}

/// What the gate says of an object of that name.
fn judged(passes: &Passes, object: &Value) -> Judgement {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "userInfo": { "username": "dev" },
            "kind": { "group": "", "version": "v1", "kind": "ConfigMap" },
            "resource": { "group": "", "version": "v1", "resource": "configmaps" },
            "name": "web", "namespace": "shop", "object": object.clone(),
        },
    });
    let review = Review::parse(review.to_string().as_bytes()).unwrap();
    let seen = Seen {
        tenant: Tenant::default(),
        cluster: Cluster::default(),
        time: Timestamp::EPOCH,
        origin: None,
    };
    let policy = Policy { warn_from: None, deny_from: None };
    judge(&review, passes, &policy, &TermsInForce::built_in(), &seen)
}

#[test]
fn what_is_added_is_drift_and_what_is_not_compared_is_told() {
    let with = |more: Value| {
        let mut object = manifest();
        object["data"].as_object_mut().unwrap().extend([("more", more)]);
        object
    };
    let passes_for = |object: &Value| {
        let object = Object::new(object).unwrap();
        let fields = fields(&object);
        let pass = BoardingPass { digest: digest_of(&object, &fields), fields, ..pass() };
        let passes = trusting(&[]);
        passes.learn(&[record(pass)]);
        passes
    };
    let credential = json!("postgres://web:hunter22@db.shop.example/web");
    let drifted = Some("data.more added");
    let not_compared = Some("the value of 1 credential");
    for (scanned, live, state, fields, untold) in [
        (manifest(), with(json!("x")), "drifted", drifted, None),
        (manifest(), with(credential.clone()), "drifted", drifted, None),
        (with(credential.clone()), with(credential), "authorised", None, not_compared),
        (manifest(), manifest(), "authorised", None, None),
    ] {
        let said = judged(&passes_for(&scanned), &live).response.audit_annotations;
        let annotation = |name: &str| said.get(name).map(String::as_str);
        assert_eq!(annotation("authorisation"), Some(state), "{live}");
        assert_eq!(annotation("drifted-fields"), fields, "{live}");
        assert_eq!(annotation("not-compared"), untold, "{live}");
    }
}

#[test]
fn only_what_a_trusted_key_vouches_for_authorises() {
    let pass = pass();
    let by_other = signed(&pass, "default", OTHER_PRIVATE);
    let other_key = by_other.attestation.as_ref().unwrap().key.clone();
    for (case, pass, keys, state, reason) in [
        ("no keys, not signed", pass.clone(), &[][..], "authorised", String::new()),
        ("no keys, any signature", by_other.clone(), &[], "authorised", String::new()),
        ("trusted", signed(&pass, "default", PRIVATE), &[PUBLIC], "authorised", String::new()),
        ("not signed", pass.clone(), &[PUBLIC], "untrusted", "nobody has signed it".to_owned()),
        (
            "another key",
            by_other,
            &[PUBLIC],
            "untrusted",
            format!("it is not signed by a trusted key, but by {other_key}"),
        ),
        (
            "another cluster",
            signed(&pass, "staging", PRIVATE),
            &[PUBLIC],
            "untrusted",
            "what was signed has another `cluster`".to_owned(),
        ),
    ] {
        let passes = trusting(keys);
        passes.learn(&[record(pass)]);
        assert_eq!(said(&passes), (state, reason), "{case}");
    }
}

/// What is changed, how, and what the gate says of it.
type Tampering = (&'static str, fn(&mut BoardingPass), &'static str);

#[test]
fn what_was_changed_after_signing_authorises_nothing() {
    let pass = signed(&pass(), "default", PRIVATE);
    let changes: [Tampering; 6] = [
        (
            "a verdict",
            |pass| pass.verdict = PassVerdict::Clean,
            "what was signed has another `verdict`",
        ),
        (
            "an exception",
            |pass| {
                pass.accepted.push(AcceptedFinding {
                    finding: Id::default(),
                    check: "privileged-container".to_owned(),
                    reason: "because".to_owned(),
                    until: None,
                });
            },
            "what was signed has another `accepted`",
        ),
        (
            "a field, so that it fits in any namespace",
            |pass| pass.fields.retain(|it| it.field != FieldPath::of(&["metadata", "namespace"])),
            "the digests of its fields are not those of the content that it names",
        ),
        (
            "the statement",
            |pass| pass.attestation.as_mut().unwrap().statement.push(b' '),
            "its signature does not verify: the statement was changed, or the key is another's",
        ),
        (
            "the signature",
            |pass| pass.attestation.as_mut().unwrap().signature.truncate(63),
            "its signature does not verify: the statement was changed, or the key is another's",
        ),
        (
            "the place",
            |pass| pass.place.path = "elsewhere.yaml".into(),
            "what was signed has another `location`",
        ),
    ];
    for (case, change, reason) in changes {
        let mut pass = pass.clone();
        change(&mut pass);
        let passes = trusting(&[PUBLIC]);
        passes.learn(&[record(pass)]);
        assert_eq!(said(&passes), ("untrusted", reason.to_owned()), "{case}");
    }
    // A whole other content under the old signature.
    let mut other = pass;
    other.fields.push(FieldDigest { field: FieldPath::of(&["data", "x"]), digest: 1 });
    other.digest = airside_k8s::boarding_pass::digest_of_kind("", "ConfigMap", &other.fields);
    let passes = trusting(&[PUBLIC]);
    passes.learn(&[record(other)]);
    assert_eq!(said(&passes).0, "drifted");
}

#[test]
fn who_publishes_without_a_key_takes_nothing_away() {
    let passes = trusting(&[PUBLIC]);
    passes.learn(&[record(signed(&pass(), "default", PRIVATE)), record(pass())]);
    assert_eq!(said(&passes).0, "authorised");
    // And the other way round, the signed one replaces the other.
    let passes = trusting(&[PUBLIC]);
    passes.learn(&[record(pass())]);
    assert_eq!(said(&passes).0, "untrusted");
    passes.learn(&[record(signed(&pass(), "default", PRIVATE))]);
    assert_eq!(said(&passes).0, "authorised");
}

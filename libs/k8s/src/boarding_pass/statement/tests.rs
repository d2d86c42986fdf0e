//! The statement as other tools read it.

use airside_types::{
    BoardingPass, ChartRendering, Cluster, FieldDigest, FieldPath, Id, ObjectRef, Origin,
    PassVerdict, Place, Rendering, Revision, Rules, Severity,
};

use super::super::digest_of_kind;
use super::{NotVouched, claims, statement, statement_with_fields, vouches};
use crate::value::Value;

fn pass() -> BoardingPass {
    BoardingPass {
        object: ObjectRef::named("apps", "Deployment", Some("shop"), "web"),
        digest: digest_of_kind("apps", "Deployment", &[]),
        place: Place { path: "shop/templates/web.yaml (rendered)".into(), line: 3, column: 1 },
        template: Some("shop/templates/web.yaml".to_owned()),
        verdict: PassVerdict::Flagged,
        findings: Vec::new(),
        fields: Vec::new(),
        origin: Some(Box::new(Origin {
            revision: Some(Revision {
                repository: Some("https://example.com/shop.git".to_owned()),
                commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                path: "shop".to_owned(),
                is_dirty: false,
            }),
            rendering: Some(Rendering::Chart(ChartRendering {
                name: "shop".to_owned(),
                version: "1.2.3".to_owned(),
                template: "shop/templates/web.yaml".to_owned(),
                line: Some(1),
                values: vec!["shop/values.yaml".to_owned()],
            })),
        })),
        rules: Some(Rules {
            version: "0.1.0".to_owned(),
            digest: Id::default(),
            failing: Severity::High,
            vulnerability_data: None,
        }),
        accepted: Vec::new(),
        attestation: None,
    }
}

#[test]
fn a_statement_is_one_of_in_toto() {
    let statement: Value =
        serde_json::from_slice(&statement(&pass(), &Cluster::default())).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&statement).unwrap(), @r#"
    {
      "_type": "https://in-toto.io/Statement/v1",
      "predicate": {
        "accepted": [],
        "cluster": "default",
        "findings": [],
        "location": {
          "line": 3,
          "path": "shop/templates/web.yaml (rendered)"
        },
        "object": {
          "group": "apps",
          "kind": "Deployment",
          "name": "web",
          "namespace": "shop"
        },
        "origin": {
          "rendering": {
            "chart": "shop",
            "line": 1,
            "template": "shop/templates/web.yaml",
            "values": [
              "shop/values.yaml"
            ],
            "version": "1.2.3"
          },
          "revision": {
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty": false,
            "path": "shop",
            "repository": "https://example.com/shop.git"
          }
        },
        "rules": {
          "digest": "00000000000000000000000000000000",
          "failing": "high",
          "version": "0.1.0"
        },
        "template": "shop/templates/web.yaml",
        "verdict": "flagged"
      },
      "predicateType": "https://airside.dev/boarding-pass/v1",
      "subject": [
        {
          "digest": {
            "airsideNormalisedObject": "5bfaf7a5d40ad39aa3bec973c013a85f"
          },
          "name": "Deployment shop/web"
        }
      ]
    }
    "#);
}

#[test]
fn what_a_later_signer_says_more_is_no_contradiction_and_less_only_of_nothing() {
    let cluster = Cluster::default();
    let with = |change: fn(&mut Value), pass: &BoardingPass| {
        let mut signed: Value =
            serde_json::from_slice(&statement(&self::pass(), &cluster)).unwrap();
        change(&mut signed["predicate"]);
        vouches(signed.to_string().as_bytes(), pass, &cluster)
    };
    assert_eq!(with(|_| {}, &pass()), Ok(()));
    assert_eq!(with(|said| said["builder"] = "x".into(), &pass()), Ok(()));
    let without = |said: &mut Value| {
        said.as_object_mut().unwrap().remove("origin");
    };
    let other = Err(NotVouched::Other { claim: "origin".to_owned() });
    assert_eq!(with(without, &pass()), other);
    assert_eq!(with(without, &BoardingPass { origin: None, ..pass() }), Ok(()));
    for text in ["", "[]", "{}", "{\"_type\": \"https://in-toto.io/Statement/v1\"}"] {
        let vouched = vouches(text.as_bytes(), &pass(), &cluster);
        assert_eq!(vouched, Err(NotVouched::NoStatement), "{text}");
    }
}

/// A pass with a field, and what is signed of it for those who have nothing else.
fn pass_with_fields() -> (BoardingPass, Value) {
    let field = FieldPath::of(&["spec", "a.b"]).index(0);
    let fields = vec![FieldDigest { field, digest: 0x0123_4567_89ab_cdef }];
    let digest = digest_of_kind("apps", "Deployment", &fields);
    let pass = BoardingPass { digest, fields, ..pass() };
    let signed = statement_with_fields(&pass, &Cluster::default());
    (pass, serde_json::from_slice(&signed).unwrap())
}

#[test]
fn a_statement_is_read_back_with_all_that_it_says() {
    let (pass, signed) = pass_with_fields();
    assert_eq!(vouches(signed.to_string().as_bytes(), &pass, &Cluster::default()), Ok(()));
    let read = claims(signed.to_string().as_bytes()).unwrap();
    assert_eq!(
        (&read.object, read.digest, read.verdict),
        (&pass.object, pass.digest, pass.verdict)
    );
    assert_eq!(read.place, Place { column: 0, ..pass.place.clone() });
    assert_eq!(read.revision, pass.origin.clone().and_then(|it| it.revision));
    assert_eq!(read.fields, Some(pass.fields));
    let smaller = statement(&self::pass(), &Cluster::default());
    assert_eq!(claims(&smaller).unwrap().fields, None);
    assert_eq!(statement_with_fields(&self::pass(), &Cluster::default()), smaller);
}

#[test]
fn what_is_no_statement_of_ours_or_contradicts_itself_is_told() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 10] = [
        (|it| *it = "text".into(), "no in-toto statement"),
        (
            |it| it["_type"] = "https://in-toto.io/Statement/v0.1".into(),
            "its type is `https://in-toto",
        ),
        (
            |it| it["predicateType"] = "https://slsa.dev/provenance/v1".into(),
            "no boarding pass: its",
        ),
        (
            |it| it["predicateType"] = "https://airside.dev/boarding-pass/v2".into(),
            "a boarding pass of another version",
        ),
        (|it| it["predicate"]["verdict"] = "fine".into(), "verdict of a boarding pass"),
        (|it| it["predicate"]["object"] = Value::Null, "cannot be read"),
        (
            |it| it["subject"][0]["digest"] = crate::json!({"sha256": "00"}),
            "has no digest `airside",
        ),
        (|it| it["subject"][0]["name"] = "Deployment shop/other".into(), "contradicts itself"),
        (|it| it["predicate"]["object"]["name"] = "other".into(), "contradicts itself"),
        (|it| it["predicate"]["fields"][0]["digest"] = "1".into(), "contradicts itself"),
    ];
    for (change, told) in cases {
        let (_, mut signed) = pass_with_fields();
        change(&mut signed);
        let problem = claims(signed.to_string().as_bytes()).unwrap_err().to_string();
        assert!(problem.contains(told), "{told}: {problem}");
    }
}

//! The statement as other tools read it.

use airside_types::{
    BoardingPass, ChartRendering, Cluster, Id, ObjectRef, Origin, PassVerdict, Place, Rendering,
    Revision, Rules, Severity,
};

use super::super::digest_of_kind;
use super::{NotVouched, statement, vouches};
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

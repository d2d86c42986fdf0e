//! Where credentials are looked for in objects, and what is said about them.

use airside_k8s::{Completeness, Limits, Object, yaml};

use crate::evaluate::{Evaluation, evaluate};

fn run(text: &str, completeness: Completeness) -> Evaluation {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let values: Vec<_> = parsed.documents.iter().map(|document| &document.value).collect();
    let objects: Vec<_> = values.iter().map(|value| Object::new(value).unwrap()).collect();
    evaluate(&objects, completeness)
}

/// The fields at which a check of this family fails, each with its check.
fn failing(text: &str) -> Vec<String> {
    let evaluation = run(text, Completeness::WholeInput);
    let own = [
        super::environment::CHECKS,
        super::commands::CHECKS,
        super::config_maps::CHECKS,
        super::annotations::CHECKS,
        super::custom_resources::CHECKS,
        super::manifests::CHECKS,
        super::placeholders::CHECKS,
    ];
    let is_own = |id: &str| own.iter().any(|checks| checks.iter().any(|check| check.id == id));
    let failures = evaluation.failures.iter().filter(|failure| is_own(failure.check.id));
    failures.map(|failure| format!("{} {}", failure.check.id, failure.field)).collect()
}

fn pod(container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{container}]}}\n"
    )
}

#[test]
fn containers_are_searched_in_every_field_that_holds_values() {
    for (container, expected) in [
        (
            "{name: a, env: [{name: A, value: x}, {name: B_TOKEN, value: sunflower}]}",
            "literal-secret-in-env spec.containers[0].env[1].value",
        ),
        (
            "{name: a, env: [{name: URL, value: 'amqp://a:sunflower@mq'}]}",
            "credential-in-env spec.containers[0].env[0].value",
        ),
        (
            "{name: a, env: [{name: A_PASSWORD, value: xxxxx}]}",
            "placeholder-in-env spec.containers[0].env[0].value",
        ),
        (
            "{name: a, command: [run], args: [--password, sunflower]}",
            "credential-in-arguments spec.containers[0].args[1]",
        ),
        (
            "{name: a, command: [run, --password], args: [sunflower]}",
            "credential-in-arguments spec.containers[0].args[0]",
        ),
        (
            "{name: a, lifecycle: {preStop: {exec: {command: [redis-cli, -a, sunflower]}}}}",
            "credential-in-arguments spec.containers[0].lifecycle.preStop.exec.command[2]",
        ),
        (
            "{name: a, readinessProbe: {exec: {command: [sh, -c, 'mysql -psunflower']}}}",
            "credential-in-probe spec.containers[0].readinessProbe.exec.command[2]",
        ),
        (
            "{name: a, livenessProbe: {httpGet: {path: '/health?token=sunflower'}}}",
            "credential-in-probe spec.containers[0].livenessProbe.httpGet.path",
        ),
        (
            "{name: a, startupProbe: {httpGet: {httpHeaders: [{name: X-Api-Key, value: sunflower}]}}}",
            "credential-in-probe spec.containers[0].startupProbe.httpGet.httpHeaders[0].value",
        ),
    ] {
        assert_eq!(failing(&pod(container)), [expected], "{container}");
    }
}

#[test]
fn fields_of_any_custom_kind_are_searched_and_references_are_not_values() {
    let resource = |spec: &str| {
        format!("apiVersion: example.com/v1\nkind: Shop\nmetadata: {{name: a}}\nspec: {spec}\n")
    };
    for (spec, field) in [
        ("{admin: {password: sunflower}}", "spec.admin.password"),
        ("{parameters: [{name: db.password, value: sunflower}]}", "spec.parameters[0].value"),
        ("{values: \"db:\\n  password: sunflower\\n\"}", "spec.values"),
        ("{pin: {password: 123456}}", "spec.pin.password"),
        ("{steps: [{script: \"export PGPASSWORD=sunflower\\npsql\\n\"}]}", "spec.steps[0].script"),
        ("{container: {args: [run, --password=sunflower]}}", "spec.container.args[1]"),
        (
            "{container: {env: [{name: NPM_TOKEN, value: sunflower}]}}",
            "spec.container.env[0].value",
        ),
    ] {
        let expected = format!("credential-in-custom-resource {field}");
        assert_eq!(failing(&resource(spec)), [expected], "{spec}");
    }
    for spec in [
        "{passwordSecretRef: {name: db, key: password}}",
        "{passwordSecret: {secretName: db, password: password}}",
        "{existingSecret: db, secretName: db, secret: database, token: sa-token}",
        "{password: {secretKeyRef: {name: a, key: b}}}",
        "{description: 'Set password=foo to log in.'}",
    ] {
        assert_eq!(failing(&resource(spec)), Vec::<String>::new(), "{spec}");
    }
}

#[test]
fn kinds_that_are_secrets_by_another_name_are_left_alone() {
    for (api_version, kind) in
        [("bitnami.com/v1alpha1", "SealedSecret"), ("a.example/v1", "VaultSecret")]
    {
        let text = format!(
            "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{encryptedData: {{password: AgBy3i4OJSWKq7Zk2}}}}\n"
        );
        assert_eq!(failing(&text), Vec::<String>::new());
    }
}

#[test]
fn secrets_in_repositories_are_told_unless_encrypted_public_or_empty() {
    let secret =
        |rest: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{rest}\n");
    for rest in [
        "data: {password: c3VuZmxvd2Vy}",
        "stringData: {ninja: sunflower}",
        "stringData: {config: \"a: 1\\npassword: sunflower\\n\"}",
    ] {
        assert_eq!(failing(&secret(rest)).len(), 1, "{rest}");
    }
    for rest in [
        "data: {}",
        "data: {password: ''}",
        "data: {password: <base64 of the password>}",
        "data: {password: Y2hhbmdlbWU=}",
        "stringData: {password: '${PASSWORD}'}",
        "stringData: {username: admin}",
        "stringData: {config: \"a: 1\\nb: 2\\n\"}",
        "data: {password: 'ENC[AES256_GCM,data:x,iv:y]'}\nsops: {version: 3.9.0}",
        "stringData: {ca.pem: \"-----BEGIN CERTIFICATE-----\\nMIID\\n\"}",
    ] {
        assert_eq!(failing(&secret(rest)), Vec::<String>::new(), "{rest}");
    }
}

#[test]
fn at_admission_a_secret_with_data_is_no_manifest() {
    let text =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: sunflower}\n";
    let evaluation = run(text, Completeness::SingleObject);
    let undecided: Vec<_> = evaluation.not_evaluated.iter().map(|n| n.check.id).collect();
    assert!(undecided.contains(&"plain-secret-manifest") && undecided.contains(&"orphaned-secret"));
    assert!(evaluation.failures.is_empty(), "{:?}", evaluation.failures);
}

#[test]
fn messages_tell_what_and_where_and_never_the_value() {
    let text = pod(
        "{name: a, env: [{name: DB_PASSWORD, value: sunflower}, {name: KEY, value: 'amqp://a:q7Rk2ZpV9xT4mWc8Ls3N@mq'}], args: [--password=sunflower]}",
    );
    let evaluation = run(&text, Completeness::WholeInput);
    let messages: Vec<_> = evaluation.failures.iter().map(|f| f.message.as_str()).collect();
    assert!(messages.contains(&"variable `DB_PASSWORD` of container `a` holds a password"));
    assert!(
        messages.iter().any(|message| message.contains("an address with a password, fingerprint "))
    );
    for message in messages {
        assert!(!message.contains("sunflower") && !message.contains("q7Rk2"), "{message}");
    }
}

#[test]
fn a_key_that_is_missing_is_told_where_it_is_certain() {
    let input = |secret: &str, pod: &str| format!("{secret}---\n{pod}");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {user: ''}\n";
    let asks = |extra: &str| {
        pod(&format!(
            "{{name: a, image: a, env: [{{name: A, valueFrom: {{secretKeyRef: {{name: db, key: usr{extra}}}}}}}]}}"
        ))
    };
    let missing = |text: &str| {
        let evaluation = run(text, Completeness::WholeInput);
        evaluation.failures.iter().any(|failure| failure.check.id == "missing-secret-key")
    };
    assert!(missing(&input(secret, &asks(""))));
    assert!(!missing(&input(secret, &asks(", optional: true"))));
    let empty = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n";
    assert!(!missing(&input(empty, &asks(""))));
    let twice = format!("{secret}---\n{secret}");
    assert!(!missing(&input(&twice, &asks(""))));
}

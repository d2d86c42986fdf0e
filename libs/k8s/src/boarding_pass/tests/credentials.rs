//! Credentials: that they are there is known, and their values are not.

use super::*;

fn secret(data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": { "name": "db" },
        "data": data,
    })
}

fn compared(scanned: &Value, live: &Value) -> (Vec<String>, usize) {
    let found = compare(&pass_for(scanned), &Object::new(live).unwrap());
    let told = found.drifts.iter().map(ToString::to_string).collect();
    (told, found.not_compared.credentials)
}

#[test]
fn values_leave_no_digest_and_keys_do() {
    let value = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": "db" },
        "data": { "pin": "MTIzNA==" }, "stringData": { "pin": "1234" },
    });
    let shown: Vec<String> =
        pass_for(&value).fields.iter().map(|leaf| leaf.field.to_string()).collect();
    assert_eq!(shown, ["data.pin", "kind", "metadata.name", "stringData.pin", "type"]);
    let other_pin = |pin: &str| pass_for(&secret(&json!({ "pin": pin }))).digest;
    assert_eq!(other_pin("MTIzNA=="), other_pin("NDMyMQ=="));
    assert_eq!(credentials(&pass_for(&value).fields), 2);
}

#[test]
fn a_key_more_or_less_is_drift_and_another_value_is_not_seen() {
    let one = secret(&json!({ "pin": "MTIzNA==" }));
    let (two, other) =
        (json!({ "pin": "MTIzNA==", "token": "YQ==" }), json!({ "pin": "NDMyMQ==" }));
    assert_eq!(compared(&one, &secret(&other)), (vec![], 1));
    assert_eq!(compared(&one, &secret(&two)), (vec!["data.token added".to_owned()], 1));
    assert_eq!(compared(&secret(&two), &one), (vec!["data.token".to_owned()], 1));
    let mut written = secret(&Value::Null);
    written["stringData"] = json!({ "pin": "1234" });
    assert_eq!(compared(&written, &one), (vec![], 1), "stringData is stored as data");
}

#[test]
fn a_credential_in_a_container_must_stay_one() {
    let env = "/spec/template/spec/containers/0/env";
    assert_eq!(compared(&deployment(), &deployment()), (vec![], 1));
    let other = changed(
        env,
        json!([{ "name": "MODE", "value": "" }, { "name": "DB_PASSWORD", "value": "y" }]),
    );
    assert_eq!(compared(&deployment(), &other), (vec![], 1));
    let gone = changed(env, json!([{ "name": "MODE", "value": "" }, { "name": "DB_PASSWORD" }]));
    let field = "spec.template.spec.containers[0].env[1].value";
    assert_eq!(compared(&deployment(), &gone), (vec![field.to_owned()], 0));
    let object = deployment();
    let object = Object::new(&object).unwrap();
    let is_one = |field: &str| is_credential(&object, &FieldPath::parse(field).unwrap());
    assert!(is_one(field) && !is_one("spec.template.spec.containers[0].env[1].name"));
}

#[test]
fn a_pass_from_before_is_compared_by_what_it_tells() {
    let older = |value: &Value| {
        let mut pass = pass_for(value);
        pass.fields = without_credentials(&pass.fields);
        assert!(!tell_of_credentials(&pass.fields));
        pass
    };
    let told = |pass: &BoardingPass, live: &Value| {
        let found = compare(pass, &Object::new(live).unwrap());
        found.drifts.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let secret = secret(&json!({ "pin": "MTIzNA==" }));
    assert_eq!(told(&older(&secret), &secret), [""; 0]);
    assert_eq!(told(&older(&deployment()), &deployment()), [""; 0]);
    let mut live = deployment();
    live["spec"]["template"]["spec"]["hostPID"] = json!(true);
    assert_eq!(told(&older(&deployment()), &live), ["spec.template.spec.hostPID added"]);
}

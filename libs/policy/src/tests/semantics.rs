//! What policies say, as the API server would.

use std::collections::BTreeMap;

use airside_k8s::json;

use super::{POD, binding, policy, policy_for, said, said_with, set};
use crate::request::Surroundings;

#[test]
fn rules_are_for_groups_versions_operations_and_resources() {
    for (rule, expected) in [
        ("{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}", "passed"),
        ("{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}", "passed"),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: ['pods/*']}",
            "passed",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced}",
            "passed",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods], resourceNames: [web]}",
            "passed",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [UPDATE], resources: [pods]}",
            "skipped: the policy does not apply: its rules are not for CREATE of pods",
        ),
        (
            "{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [pods]}",
            "skipped: the policy does not apply: its rules are not for CREATE of pods",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods/exec]}",
            "skipped: the policy does not apply: its rules are not for CREATE of pods",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Cluster}",
            "skipped: the policy does not apply: its rules are not for CREATE of pods",
        ),
        (
            "{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods], resourceNames: [db]}",
            "skipped: the policy does not apply: its rules are not for CREATE of pods",
        ),
        // The API server would convert the object.
        (
            "{apiGroups: [''], apiVersions: [v2], operations: [CREATE], resources: [pods]}",
            "not evaluated: its rule is for another version of pods than v1, and nothing is converted here",
        ),
    ] {
        let policy = policy_for(rule, "  validations: [{expression: 'true'}]");
        assert_eq!(said(&policy, POD), expected, "{rule}");
    }
    let exact = policy_for(
        "{apiGroups: [''], apiVersions: [v2], operations: [CREATE], resources: [pods]}",
        "  validations: [{expression: 'true'}]",
    );
    let exact = exact.replace("{resourceRules", "{matchPolicy: Exact, resourceRules");
    assert!(said(&exact, POD).starts_with("skipped"));
}

#[test]
fn exclusions_and_selectors_limit_policies_and_bindings() {
    let all = "{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}";
    let passes = "  validations: [{expression: 'true'}]";
    let constrained = |constraint: &str| {
        policy(passes).replace("{resourceRules", &format!("{{{constraint}, resourceRules"))
    };
    for (constraint, expected) in [
        (
            format!("excludeResourceRules: [{}]", all.replace("apiVersions: ['*']", "apiVersions: [v9]")),
            "not evaluated: a rule that excludes is for another version of pods than v1, and nothing is converted here",
        ),
        (format!("excludeResourceRules: [{all}]"), "skipped: the policy does not apply: its rules exclude the request"),
        ("objectSelector: {matchLabels: {app: web}}".to_owned(), "passed"),
        (
            "objectSelector: {matchLabels: {app: db}}".to_owned(),
            "skipped: the policy does not apply: its objectSelector does not select the object",
        ),
        ("namespaceSelector: {}".to_owned(), "passed"),
        ("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}".to_owned(), "passed"),
        (
            "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [shop]}]}".to_owned(),
            "skipped: the policy does not apply: its namespaceSelector does not select the namespace shop",
        ),
        (
            "namespaceSelector: {matchLabels: {env: prod}}".to_owned(),
            "not evaluated: its namespaceSelector asks for labels of the namespace shop, which is not given",
        ),
    ] {
        assert_eq!(said(&constrained(&constraint), POD), expected, "{constraint}");
    }
    let prod = json!({"metadata": {"name": "shop", "labels": {"env": "prod"}}});
    let around =
        Surroundings { namespaces: BTreeMap::from([("shop", &prod)]), ..Surroundings::default() };
    let selected = set(&constrained("namespaceSelector: {matchLabels: {env: prod}}"));
    assert_eq!(said_with(&selected, POD, &around), "passed");
    let cluster_role =
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x}\n";
    assert_eq!(said_with(&selected, cluster_role, &Surroundings::default()), "passed");
    let limited = policy(passes).replace(
        "validationActions",
        "matchResources: {objectSelector: {matchLabels: {app: db}}}, validationActions",
    );
    assert_eq!(
        said(&limited, POD),
        "skipped: the binding does not apply: its objectSelector does not select the object"
    );
}

const LIMIT: &str = "  paramKind: {apiVersion: v1, kind: ConfigMap}
  validations: [{expression: 'size(object.metadata.name) < int(params.data.most)', messageExpression: \"'at most ' + params.data.most\"}]";

fn config_map(name: &str, namespace: &str, most: u8) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{limits: 'on'}}}}\ndata: {{most: '{most}'}}\n"
    )
}

#[test]
fn parameters_come_by_name_or_selector() {
    let with = |reference: &str, maps: &str| {
        let bound = policy(LIMIT)
            .replace("validationActions", &format!("paramRef: {{{reference}}}, validationActions"));
        said(&(bound + maps), POD)
    };
    let maps =
        [config_map("a", "shop", 9), config_map("b", "shop", 2), config_map("a", "other", 1)];
    let maps = maps.concat();
    let deny = "parameterNotFoundAction: Deny";
    assert_eq!(with(&format!("name: a, {deny}"), &maps), "passed");
    assert_eq!(with(&format!("name: b, {deny}"), &maps), "0 failed: at most 2");
    assert_eq!(with(&format!("name: a, namespace: other, {deny}"), &maps), "0 failed: at most 1");
    let all = format!("selector: {{matchLabels: {{limits: 'on'}}}}, {deny}");
    assert_eq!(with(&all, &maps), "passed\n0 failed: at most 2");
    assert_eq!(
        with(&format!("name: c, {deny}"), &maps),
        "not evaluated: its parameters, a ConfigMap `c` in the namespace shop, are not given"
    );
    // Without a reference, `params` is null.
    assert_eq!(said(&policy(LIMIT), POD), "error: no such overload: field `data` of null_type");
}

#[test]
fn missing_parameters_do_what_the_binding_says() {
    let around = Surroundings { has_all_parameters: true, ..Surroundings::default() };
    for (action, expected) in [
        (
            "Allow",
            "skipped: the binding does not apply: there is no ConfigMap `c` in the namespace shop",
        ),
        ("Deny", "error: there is no ConfigMap `c` in the namespace shop"),
    ] {
        let reference =
            format!("paramRef: {{name: c, parameterNotFoundAction: {action}}}, validationActions");
        let set = set(&policy(LIMIT).replace("validationActions", &reference));
        assert_eq!(said_with(&set, POD, &around), expected);
    }
}

#[test]
fn variables_are_evaluated_where_they_are_read() {
    let of = |spec: &str| said(&policy(spec), POD);
    let chain = "  variables:
  - {name: names, expression: 'object.spec.containers.map(c, c.name)'}
  - {name: first, expression: 'variables.names[0]'}
  - {name: broken, expression: 'object.status.phase'}
  validations: [{expression: \"variables.first == 'web' || variables.broken == 'x'\"}]";
    assert_eq!(of(chain), "passed");
    let read = chain.replace("variables.first == 'web'", "variables.first == 'db'");
    assert_eq!(of(&read), "error: variable `broken`: no such key: status");
}

#[test]
fn conditions_come_before_validations() {
    let with = |conditions: &str| {
        said(
            &policy(&format!(
                "  matchConditions: {conditions}\n  validations: [{{expression: 'false'}}]"
            )),
            POD,
        )
    };
    assert_eq!(with("[{name: a, expression: 'true'}]"), "0 failed: failed expression: false");
    let unmet = "skipped: the policy does not apply: its condition `b` is not met";
    assert_eq!(with("[{name: b, expression: \"object.metadata.name != 'web'\"}]"), unmet);
    // One that is not met decides, also after one that fails.
    let broken = "{name: a, expression: 'object.x.y'}";
    assert_eq!(with(&format!("[{broken}, {{name: b, expression: 'false'}}]")), unmet);
    assert_eq!(with(&format!("[{broken}]")), "error: condition `a`: no such key: x");
    assert_eq!(
        with("[{name: a, expression: \"request.userInfo.username != 'admin'\"}]"),
        "not evaluated: it asks who makes the request (request.userInfo), which is not known here"
    );
}

#[test]
fn the_request_is_what_is_known_of_it() {
    let of = |expression: &str| {
        said(&policy(&format!("  validations: [{{expression: {expression:?}}}]")), POD)
    };
    for expression in [
        "request.operation == 'CREATE' && request.namespace == 'shop' && request.name == 'web'",
        "request.kind.kind == 'Pod' && request.resource.resource == 'pods' && request.subResource == ''",
        "request.kind == request.requestKind && !request.dryRun && oldObject == null",
        "has(request.userInfo) || request.operation == 'CREATE'",
        "request.operation == 'CREATE' || authorizer.path('/').check('get').allowed()",
    ] {
        assert_eq!(of(expression), "passed", "{expression}");
    }
    assert_eq!(
        of("authorizer.path('/').check('get').allowed()"),
        "not evaluated: it asks the authorizer what somebody may do, which is not known here"
    );
    assert_eq!(
        of("namespaceObject.metadata.labels.env == 'prod'"),
        "not evaluated: it asks for the namespace shop, which is not given"
    );
}

#[test]
fn messages_are_made_or_written_or_the_expression() {
    let with = |message: &str| {
        said(
            &policy(&format!(
                "  validations: [{{expression: 'object.metadata.name == \"x\"', {message}}}]"
            )),
            POD,
        )
    };
    assert_eq!(with("message: ' refused '"), "0 failed: refused");
    assert_eq!(
        with("message: refused, messageExpression: \"object.metadata.name + ' is no x'\""),
        "0 failed: web is no x"
    );
    // One that fails, is empty, or has two lines falls back to the written one.
    assert_eq!(with("message: refused, messageExpression: object.x.y"), "0 failed: refused");
    assert_eq!(with("message: refused, messageExpression: \"' '\""), "0 failed: refused");
    assert_eq!(with("message: refused, messageExpression: \"'a\\\\nb'\""), "0 failed: refused");
    assert_eq!(with(""), "0 failed: failed expression: object.metadata.name == \"x\"");
}

#[test]
fn what_cannot_be_evaluated_counts_as_the_failure_policy_says() {
    let costly = "object.spec.containers.all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, true)))))))";
    for (expression, error) in [
        ("object.status.phase == 'x'", "no such key: status"),
        (costly, "cost limit exceeded: evaluation costs more than 1000000"),
    ] {
        for (failure_policy, counts) in [("Fail", true), ("Ignore", false)] {
            let text = policy(&format!(
                "  failurePolicy: {failure_policy}\n  validations: [{{expression: {expression:?}}}]"
            ));
            assert_eq!(said(&text, POD), format!("error: {error}"));
            let set = set(&text);
            let document = super::documents(POD);
            let object = airside_k8s::Object::new(&document[0].value).unwrap();
            let request = crate::request::Request::creation(&object, &[]);
            let outcomes = set.evaluate(&request, &Surroundings::default());
            assert_eq!(outcomes[0].failure().is_some(), counts, "{failure_policy}");
        }
    }
}

#[test]
fn the_expressions_of_a_policy_have_one_budget_together() {
    // Each costs about nine tenths of what one may.
    let costly = "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a + b + c + d + e > 0 || false)))))";
    let validations = vec![
        format!(
            "{{expression: {:?}}}",
            costly.replace("a + b + c + d + e > 0 || false", "true")
        );
        40
    ];
    let said = said(&policy(&format!("  validations: [{}]", validations.join(", "))), POD);
    assert!(said.contains("cost limit exceeded: evaluation costs more than 10000000"), "{said}");
    assert!(!said.contains("more than 1000000\n"), "{said}");
}

#[test]
fn audit_annotations_are_texts_or_null() {
    let with = |expression: &str| {
        said(
            &policy(&format!("  auditAnnotations: [{{key: k, valueExpression: {expression:?}}}]")),
            POD,
        )
    };
    assert_eq!(with("object.metadata.name"), "passed");
    assert_eq!(with("object.metadata.name == 'x' ? 'a' : null"), "passed");
    assert_eq!(
        with("object.metadata.labels"),
        "error: audit annotation `k`: it gives map, and not string or null"
    );
    assert_eq!(with("object.x"), "error: audit annotation `k`: no such key: x");
}

#[test]
fn a_policy_without_a_binding_has_no_effect() {
    let text = policy("  validations: [{expression: 'false'}]");
    let alone = text.split("---").next().unwrap_or_default().to_owned();
    assert_eq!(said(&alone, POD), "");
    let twice = format!("{text}---\n{}", binding("validationActions: [Warn]"));
    assert_eq!(
        said(&twice, POD),
        "0 failed: failed expression: false\n0 failed: failed expression: false"
    );
}

#[test]
fn the_values_of_secrets_are_not_shown() {
    let secret = "apiVersion: v1
kind: Secret
metadata: {name: s, namespace: shop}
stringData: {password: hunter2}
";
    for spec in [
        "  validations: [{expression: 'size(object.stringData.password) > 9', messageExpression: \"'it is ' + object.stringData.password\", message: too short}]",
        "  validations: [{expression: 'int(object.stringData.password) > 9'}]",
        "  matchConditions: [{name: c, expression: 'int(object.stringData.password) > 9'}]\n  validations: [{expression: 'true'}]",
        "  variables: [{name: v, expression: 'quantity(object.stringData.password)'}]\n  validations: [{expression: 'variables.v.isInteger()'}]",
        "  auditAnnotations: [{key: k, valueExpression: 'string(duration(object.stringData.password))'}]",
    ] {
        let said = said(&policy(spec), secret);
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("too short") || said.contains("the object is a Secret"), "{said}");
    }
}

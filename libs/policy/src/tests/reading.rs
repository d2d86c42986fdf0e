//! What is wrong with policies and bindings is told with its place.

use insta::assert_snapshot;

use super::{binding, policy, set};

fn problems(text: &str) -> String {
    let problems = set(text).problems;
    let shown = problems.iter().map(|problem| match &problem.excerpt {
        Some(excerpt) => format!("{problem}\n{excerpt}"),
        None => problem.to_string(),
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_expression_that_cannot_be_read_is_shown() {
    let text = policy(
        "  validations:
  - expression: |
      object.spec.containers.all(c,
        c.image.begins('x'))",
    );
    assert_snapshot!(problems(&text), @r#"
    policy.yaml:7:5: ValidatingAdmissionPolicy p: spec.validations[0].expression: line 2, column 11 of the expression: there is no function `begins` here
      c.image.begins('x'))
              ^
    "#);
}

#[test]
fn fields_that_mean_nothing_are_told() {
    let text = policy(
        "  failurePolicy: Maybe
  validation: []
  variables:
  - {name: a, expression: variables.b}
  - {name: b, expression: '1'}
  - {name: b, expression: '2'}
  matchConditions: [{name: c, expression: '1 + 1'}]
  validations:
  - {expression: \"'text'\"}
  - {expression: 'true', messageExpression: '1', reason: Bad}
  - {message: nothing}",
    );
    assert_snapshot!(problems(&text), @r#"
    policy.yaml:7:3: ValidatingAdmissionPolicy p: spec.validation: there is no such field; there are auditAnnotations, failurePolicy, matchConditions, matchConstraints, paramKind, validations, variables
    policy.yaml:12:31: ValidatingAdmissionPolicy p: spec.matchConditions[0].expression: it gives int, and not bool
    policy.yaml:9:15: ValidatingAdmissionPolicy p: spec.variables[0].expression: line 1, column 11 of the expression: no variable `b` is defined before this expression
    variables.b
              ^
    policy.yaml:11:5: ValidatingAdmissionPolicy p: spec.variables[2]: the variable `b` is defined twice
    policy.yaml:14:6: ValidatingAdmissionPolicy p: spec.validations[0].expression: it gives string, and not bool
    policy.yaml:15:26: ValidatingAdmissionPolicy p: spec.validations[1].messageExpression: it gives int, and not string
    policy.yaml:15:50: ValidatingAdmissionPolicy p: spec.validations[1].reason: `Bad` is no reason of a refusal
    policy.yaml:16:5: ValidatingAdmissionPolicy p: spec.validations[2].expression: it is missing
    policy.yaml:6:3: ValidatingAdmissionPolicy p: spec.failurePolicy: `Maybe` is neither Fail nor Ignore
    "#);
}

#[test]
fn bindings_fit_to_their_policies() {
    let text = [
        policy("  validations: [{expression: 'true'}]"),
        binding("validationActions: [Deny, Warn]"),
        binding("validationActions: [Refuse]"),
        binding("validationActions: [Deny], paramRef: {parameterNotFoundAction: Deny}"),
        binding("validationActions: [Deny], paramRef: {name: x, parameterNotFoundAction: Deny}"),
        binding("validationActions: [Deny]").replace("policyName: p", "policyName: q"),
    ];
    assert_snapshot!(problems(&text.join("---\n")), @r#"
    policy.yaml:16:23: ValidatingAdmissionPolicyBinding b: spec.validationActions: Deny and Warn are not used together: the refusal says it all
    policy.yaml:21:23: ValidatingAdmissionPolicyBinding b: spec.validationActions: `Refuse` is none of Deny, Warn and Audit
    policy.yaml:21:23: ValidatingAdmissionPolicyBinding b: spec.validationActions: say what follows from a failure: Deny, Warn or Audit
    policy.yaml:26:50: ValidatingAdmissionPolicyBinding b: spec.paramRef: it has a `name` or a `selector`
    policy.yaml:28:1: ValidatingAdmissionPolicyBinding b: spec.policyName: the policy `p` has no `spec.paramKind`
    policy.yaml:33:1: ValidatingAdmissionPolicyBinding b: spec.policyName: there is no policy `q` beside it
    "#);
}

#[test]
fn a_policy_with_a_problem_is_not_used_and_its_binding_is_not_blamed() {
    let set = set(&policy("  validations: [{expression: 'x'}]"));
    assert_eq!((set.policies.len(), set.bindings.len(), set.problems.len()), (0, 0, 1));
}

#[test]
fn older_versions_are_read_or_refused() {
    let text = policy("  validations: [{expression: 'true'}]");
    assert_eq!(problems(&text.replace("k8s.io/v1", "k8s.io/v1beta1")), "");
    let alpha = problems(&text.replace("k8s.io/v1", "k8s.io/v1alpha1"));
    assert!(alpha.contains("`admissionregistration.k8s.io/v1alpha1` is not read: use"), "{alpha}");
}

#[test]
fn variables_together_are_bounded_in_depth() {
    let chain: String = (1..400)
        .fold("  - {name: v0, expression: '1'}\n".to_owned(), |text, at| {
            text + &format!("  - {{name: v{at}, expression: variables.v{} + 1}}\n", at - 1)
        });
    let text = policy(&format!("  variables:\n{chain}  validations: [{{expression: 'true'}}]"));
    assert!(problems(&text).contains("with its variables the expression is more than 250 deep"));
}

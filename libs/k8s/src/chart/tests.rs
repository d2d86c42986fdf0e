//! From rendered lines to templates and values: charts of our own, as Helm renders them.

mod properties;

use airside_types::FieldPath;

use super::{ChartName, RenderedTemplate, Values, ValuesFile};
use crate::yaml::{Limits, parse};

const TEMPLATE: &str = r#"{{- $service := .Values.service }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  template:
    spec:
      {{- with .Values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      hostNetwork: {{ .Values.host.network | default false }}
      containers:
        - name: {{ .Chart.Name }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          ports:
            - containerPort: {{ $service.port }}
          env:
            - name: MODE
              value: fast
            {{- range .Values.env }}
            - name: {{ .name }}
              value: {{ .value | quote }}
            {{- end }}
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
      {{- with .Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
"#;

const RENDERED: &str = r#"---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: release-shop
  labels:
    app: shop
    tier: web
spec:
  replicas: 2
  template:
    spec:
      securityContext:
        fsGroup: 2000
      hostNetwork: false
      containers:
        - name: shop
          securityContext:
            {}
          image: "nginx:1.29"
          ports:
            - containerPort: 80
          env:
            - name: MODE
              value: fast
            - name: TOKEN
              value: "abc"
      tolerations:
        - key: zone
          operator: Exists
"#;

const VALUES: &str = "replicaCount: 2
image:
  repository: nginx
  tag: \"1.29\"
service:
  port: 80
autoscaling: {enabled: false}
podSecurityContext:
  fsGroup: 2000
securityContext: {}
env:
- name: TOKEN
  value: abc
resources: {}
tolerations:
- key: zone
  operator: Exists
";

fn chart(template: &str, rendered: &str, values: Values) -> RenderedTemplate {
    RenderedTemplate::new("shop/templates/deployment.yaml", template, rendered, values).unwrap()
}

fn of_release(text: &str) -> Values {
    Values::new(vec![ValuesFile::read("shop/values.yaml", text, 0)], Vec::new())
}

/// What is told of a field of the first object: `LINE: KEY@FILE:LINE …`.
fn told(chart: &RenderedTemplate, rendered: &str, field: &str) -> String {
    let documents = parse(rendered, &Limits::default()).documents;
    let field = FieldPath::parse(field).unwrap();
    let Some(source) = chart.source(documents[0].places.root(), &field) else {
        return "-".to_owned();
    };
    let values = source.values.iter().map(|value| match &value.place {
        Some(place) => format!(" {}@{}:{}", value.key, place.path, place.line),
        None => format!(" {}@-", value.key),
    });
    format!("{}:{}", source.place.line, values.collect::<String>())
}

#[test]
fn a_field_leads_to_its_line_in_the_template_and_to_its_values() {
    let chart = chart(TEMPLATE, RENDERED, of_release(VALUES));
    let container = "spec.template.spec.containers[0]";
    for (field, expected) in [
        ("kind", "3:"),
        // A named template: its caller's line, and no value.
        ("metadata.labels.app", "7:"),
        ("spec.replicas", "10: replicaCount@shop/values.yaml:1"),
        // `with` and `toYaml .`: the same keys below.
        (
            "spec.template.spec.securityContext.fsGroup",
            "16: podSecurityContext.fsGroup@shop/values.yaml:9",
        ),
        (
            "spec.template.spec.securityContext.runAsNonRoot",
            "15: podSecurityContext.runAsNonRoot@shop/values.yaml:8",
        ),
        // A default that no file sets.
        ("spec.template.spec.hostNetwork", "18: host.network@-"),
        (
            &format!("{container}.image"),
            "23: image.repository@shop/values.yaml:3 image.tag@shop/values.yaml:4",
        ),
        // An empty value is where the missing field goes.
        (
            &format!("{container}.securityContext.privileged"),
            "21: securityContext.privileged@shop/values.yaml:10",
        ),
        // Nothing of it was rendered, since the value is empty.
        (
            &format!("{container}.resources.limits.cpu"),
            "34: resources.limits.cpu@shop/values.yaml:14",
        ),
        // Nothing in the template is for it: where the container begins, and no value.
        (&format!("{container}.livenessProbe"), "20:"),
        (container, "20:"),
        // A variable, a list that the template itself has, and one element of a list of values.
        (&format!("{container}.ports[0].containerPort"), "25: service.port@shop/values.yaml:6"),
        (&format!("{container}.env[0].value"), "28:"),
        (&format!("{container}.env[1].value"), "31: env[0].value@shop/values.yaml:13"),
        ("spec.template.spec.tolerations[0].key", "38: tolerations[0].key@shop/values.yaml:16"),
    ] {
        assert_eq!(told(&chart, RENDERED, field), expected, "{field}");
    }
}

#[test]
fn what_could_be_either_of_two_lines_has_no_origin() {
    let template = "a:\n  {{- if .Values.x }}\n  kind: same\n  {{- else }}\n  kind: same\n  {{- end }}\n  other: 1\n";
    let rendered = "a:\n  kind: same\n  other: 1\n";
    let chart = chart(template, rendered, Values::default());
    assert_eq!(told(&chart, rendered, "a.kind"), "-");
    assert_eq!(told(&chart, rendered, "a.other"), "7:");
    // Two blocks that follow each other: which wrote a line?
    let template =
        "a:\n  {{- toYaml .Values.x | nindent 2 }}\n  {{- toYaml .Values.y | nindent 2 }}\nb: 1\n";
    let rendered = "a:\n  one: 1\n  two: 2\nb: 1\n";
    let chart = self::chart(template, rendered, of_release("x: {one: 1}\ny: {two: 2}\n"));
    assert_eq!(told(&chart, rendered, "a.one"), "-");
    assert_eq!(told(&chart, rendered, "b"), "4:");
}

#[test]
fn a_line_that_says_nothing_of_its_own_is_not_told_from_a_block() {
    let template = "a:\n{{ toYaml .Values.x }}\n{{- range .Values.y }}\n- {{ . }}\n{{- end }}\n";
    let rendered = "a:\n- one\n- two\n";
    let chart = chart(template, rendered, of_release("x: [one]\ny: [two]\n"));
    assert_eq!(told(&chart, rendered, "a[0]"), "-");
    assert_eq!(told(&chart, rendered, "a[1]"), "-");
}

#[test]
fn an_element_of_several_is_not_told_apart() {
    let template = "ports:\n{{- range .Values.ports }}\n- port: {{ .number }}\n{{- end }}\n";
    let rendered = "ports:\n- port: 1\n- port: 2\n";
    let chart = chart(template, rendered, of_release("ports:\n- number: 1\n- number: 2\n"));
    assert_eq!(told(&chart, rendered, "ports[1].port"), "3: ports@shop/values.yaml:1");
}

#[test]
fn elements_before_those_of_a_block_shift_no_position() {
    let template = "env:\n- name: A\n{{ toYaml .Values.env | indent 0 }}\n";
    let rendered = "env:\n- name: A\n- name: B\n";
    let chart = chart(template, rendered, of_release("env:\n- name: B\n"));
    assert_eq!(told(&chart, rendered, "env[1].name"), "3: env@shop/values.yaml:1");
}

#[test]
fn the_file_in_force_is_told() {
    let template =
        "a: {{ .Values.image.tag }}\nb: {{ .Values.global.zone }}\nc: {{ .Values.own }}\n";
    let rendered = "a: 1\nb: z\nc: 3\n";
    let values = Values::new(
        vec![
            ValuesFile::read("shop/charts/db/values.yaml", "image: {tag: 0}\nown: 3\n", 1),
            ValuesFile::read(
                "shop/values.yaml",
                "global: {zone: y}\ndb:\n  image:\n    tag: 1\n",
                0,
            ),
            ValuesFile::read("prod.yaml", "global:\n  zone: z\n", 0),
        ],
        vec!["db".to_owned()],
    );
    let chart = chart(template, rendered, values);
    assert_eq!(told(&chart, rendered, "a"), "1: db.image.tag@shop/values.yaml:4");
    assert_eq!(told(&chart, rendered, "b"), "2: global.zone@prod.yaml:2");
    assert_eq!(told(&chart, rendered, "c"), "3: db.own@shop/charts/db/values.yaml:2");
}

#[test]
fn each_document_is_laid_beside_the_template_by_itself() {
    let template =
        "{{- range .Values.names }}\n---\nkind: A\nname: {{ . }}\n{{- end }}\n---\nkind: B\n";
    let rendered = "---\n# Source: shop/templates/x.yaml\nkind: B\n---\n# Source: shop/templates/x.yaml\nkind: A\nname: one\n";
    let chart = chart(template, rendered, Values::default());
    let lines: Vec<_> = (1..=7).map(|line| chart.line(line)).collect();
    assert_eq!(lines, [None, None, Some(7), None, None, Some(3), Some(4)]);
}

#[test]
fn what_cannot_be_read_has_no_origins() {
    for template in ["a: {{ .Values.x", "a: {{ end }}", "{{ if .x }}a: 1", "a: {{ \"open }}"] {
        let read = RenderedTemplate::new("t", template, "a: 1\n", Values::default());
        assert!(read.is_none(), "{template}");
    }
    let many = "a: 1\n".repeat(2100);
    assert!(RenderedTemplate::new("t", &many, &many, Values::default()).is_none());
}

#[test]
fn a_chart_says_its_name() {
    let name = ChartName::read("apiVersion: v2\nname: shop\nversion: 1.2.3\n").unwrap();
    assert_eq!((name.name.as_str(), name.version.as_str()), ("shop", "1.2.3"));
    assert_eq!(ChartName::read("apiVersion: v2\n"), None);
}

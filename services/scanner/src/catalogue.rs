//! The catalogue over gRPC: checks, what they teach, profiles and frameworks.
//!
//! Which checks count and how severe they are is told by the terms of the caller's tenant; everything else is the same
//! for all.

use airside_auth::Scope;
use airside_checks::teach::{Form, lesson};
use airside_checks::{Category, Check, Profile, catalogue};
use airside_compliance::Framework;
use airside_report::lesson::{attack, diff, markdown, text};
use airside_service::Caller;
use airside_terms::{TermsInForce, TermsOfTenants, nearest};
use airside_wire::catalogue::{CheckQuery, read_name, severity_number};
use airside_wire::v1::catalogue_service_server::CatalogueService;
use airside_wire::v1::fix_form::Form as WireForm;
use airside_wire::{ApiError, ErrorCode, v1};
use tonic::{Request, Response, Status};

/// Questions about the catalogue.
#[derive(Debug)]
pub(crate) struct CatalogueApi {
    terms: TermsOfTenants,
}

impl CatalogueApi {
    pub(crate) const fn new(terms: TermsOfTenants) -> Self {
        Self { terms }
    }
}

#[tonic::async_trait]
impl CatalogueService for CatalogueApi {
    async fn list_checks(
        &self,
        request: Request<v1::ListChecksRequest>,
    ) -> Result<Response<v1::ListChecksResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let query = CheckQuery::try_from(request.into_inner())?;
        let terms = self.terms.of(caller.tenant());
        let chosen = chosen(&query, terms)?;
        Ok(Response::new(v1::ListChecksResponse {
            checks: chosen.into_iter().map(|check| shown(check, terms)).collect(),
            knowledge: Some((&terms.knowledge).into()),
        }))
    }

    async fn explain_check(
        &self,
        request: Request<v1::ExplainCheckRequest>,
    ) -> Result<Response<v1::ExplainCheckResponse>, Status> {
        let caller = Caller::of(&request, Scope::Read)?;
        let name = read_name("check", request.into_inner().check)?;
        let terms = self.terms.of(caller.tenant());
        let lessons: Vec<_> =
            catalogue::meant(&name).into_iter().map(|check| taught(check, terms)).collect();
        if lessons.is_empty() {
            return Err(unknown("check", &name, catalogue::listed().map(|check| check.id)).into());
        }
        Ok(Response::new(v1::ExplainCheckResponse { lessons }))
    }

    async fn list_profiles(
        &self,
        request: Request<v1::ListProfilesRequest>,
    ) -> Result<Response<v1::ListProfilesResponse>, Status> {
        let _caller = Caller::of(&request, Scope::Read)?;
        let profiles = Profile::ALL.iter().map(profile).collect();
        Ok(Response::new(v1::ListProfilesResponse { profiles }))
    }

    async fn list_frameworks(
        &self,
        request: Request<v1::ListFrameworksRequest>,
    ) -> Result<Response<v1::ListFrameworksResponse>, Status> {
        let _caller = Caller::of(&request, Scope::Read)?;
        let name = read_name("framework", request.into_inner().framework)?;
        let one = if name.is_empty() { None } else { Some(find_framework(&name)?) };
        let all = one.map_or_else(Framework::all, std::slice::from_ref);
        let frameworks = all.iter().map(framework).collect();
        Ok(Response::new(v1::ListFrameworksResponse { frameworks }))
    }
}

/// The checks that a question is about.
fn chosen(query: &CheckQuery, terms: &TermsInForce) -> Result<Vec<&'static Check>, ApiError> {
    let profile = query.profile.as_deref().map(find_profile).transpose()?;
    let framework = query.framework.as_deref().map(find_framework).transpose()?;
    if let Some(name) = query.category.as_deref() {
        let mut known = Category::ALL.into_iter().map(Category::as_str);
        if !known.any(|category| category == name) {
            let known = Category::ALL.into_iter().map(Category::as_str);
            return Err(unknown("category", name, known));
        }
    }
    let speaks_of = |framework: &Framework, check: &Check| {
        let mut checks = framework.controls.iter().flat_map(|control| &control.checks);
        checks.any(|it| it.id == check.id)
    };
    let fits = |check: &&Check| {
        profile.is_none_or(|profile| profile.takes(check))
            && framework.is_none_or(|framework| speaks_of(framework, check))
            && query.category.as_ref().is_none_or(|name| check.category.as_str() == name)
            && query.min_severity.is_none_or(|least| severity(check, terms) >= least)
            && (!query.counting || terms.selection.takes(check))
    };
    Ok(catalogue::listed().filter(fits).collect())
}

fn find_profile(name: &str) -> Result<&'static Profile, ApiError> {
    let known = Profile::ALL.iter().map(|profile| profile.id);
    Profile::find(name).ok_or_else(|| unknown("profile", name, known))
}

fn find_framework(name: &str) -> Result<&'static Framework, ApiError> {
    let known = Framework::all().iter().map(|framework| framework.id.as_str());
    Framework::find(name).ok_or_else(|| unknown("framework", name, known))
}

fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> ApiError {
    let hint = nearest(name, known);
    ApiError::new(ErrorCode::NotFound, format!("there is no {what} `{name}`{hint}"))
}

fn severity(check: &Check, terms: &TermsInForce) -> airside_types::Severity {
    terms.selection.severity(check).unwrap_or(check.severity)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn shown(check: &'static Check, terms: &TermsInForce) -> v1::Check {
    v1::Check {
        id: check.id.to_owned(),
        title: check.title.to_owned(),
        severity: severity_number(severity(check, terms)),
        category: check.category.as_str().to_owned(),
        applies_to: check.applies_to().into_owned(),
        techniques: check.techniques.iter().map(|it| it.id().to_owned()).collect(),
        controls: owned(check.controls),
        equivalents: owned(check.equivalents),
        counts: terms.selection.takes(check),
    }
}

fn taught(check: &'static Check, terms: &TermsInForce) -> v1::Lesson {
    let lesson = lesson(check);
    let references = lesson.references.iter().map(|it| v1::Reference {
        title: it.title.clone(),
        url: it.url.clone().unwrap_or_default(),
    });
    v1::Lesson {
        check: Some(shown(check, terms)),
        why: check.why.to_owned(),
        attacks: lesson.attacks.iter().map(attack).collect(),
        fix: check.fix.to_owned(),
        yaml: diff(&lesson.yaml),
        helm: Some(form(lesson.helm)),
        kustomize: Some(form(lesson.kustomize.map(|it| it.text()))),
        references: references.collect(),
        text: text::plain(check),
        markdown: markdown(check),
    }
}

fn form(form: Form<String>) -> v1::FixForm {
    let form = match form {
        Ok(text) => WireForm::Text(text),
        Err(reason) => WireForm::Reason(reason.to_owned()),
    };
    v1::FixForm { form: Some(form) }
}

fn profile(profile: &Profile) -> v1::Profile {
    let checks = catalogue::listed().filter(|check| profile.takes(check));
    v1::Profile {
        id: profile.id.to_owned(),
        about: profile.about.to_owned(),
        fail_on: severity_number(profile.fail_on),
        shown_from: severity_number(profile.shown_from),
        checks: checks.map(|check| check.id.to_owned()).collect(),
    }
}

fn framework(framework: &Framework) -> v1::Framework {
    let controls = framework.controls.iter().map(|control| v1::Control {
        id: control.id.clone(),
        title: control.title.clone(),
        checks: control.checks.iter().map(|check| check.id.to_owned()).collect(),
        manual: control.manual.clone().unwrap_or_default(),
    });
    v1::Framework {
        id: framework.id.clone(),
        name: framework.name.clone(),
        version: framework.version.clone(),
        source: framework.source.clone(),
        controls: controls.collect(),
    }
}

//! Which fields of bodies a compiled rule asks for whole: those whose elements it looks into, and those that it compares
//! with another field. Of all others it is enough to know that an object is there.

use rsigma_eval::{CompiledDetection, CompiledMatcher, CompiledRule};

use crate::view::whole;

/// Has the fields asked for whole that need to be. The budget counts each of them as many comparisons.
pub(crate) fn ask_for_whole(rule: &mut CompiledRule) {
    rule.detections.values_mut().for_each(|it| of_detection(it, false));
}

/// `is_in_list` says that fields are those of elements, which are whole already.
fn of_detection(detection: &mut CompiledDetection, is_in_list: bool) {
    match detection {
        CompiledDetection::AllOf(items) => {
            for item in items {
                let compares = of_matcher(&mut item.matcher);
                if let Some(field) = item.field.as_mut().filter(|_| compares && !is_in_list) {
                    *field = whole(field);
                }
            }
        }
        CompiledDetection::AnyOf(parts) | CompiledDetection::And(parts) => {
            parts.iter_mut().for_each(|it| of_detection(it, is_in_list));
        }
        CompiledDetection::ArrayMatch { field, body, .. } => {
            if !is_in_list {
                *field = whole(field);
            }
            of_detection(body, true);
        }
        CompiledDetection::Conditional { named, .. } => {
            named.values_mut().for_each(|it| of_detection(it, is_in_list));
        }
        CompiledDetection::Keywords(matcher) => _ = of_matcher(matcher),
    }
}

/// Whether it compares with another field.
fn of_matcher(matcher: &mut CompiledMatcher) -> bool {
    match matcher {
        CompiledMatcher::FieldRef { field, .. } => {
            *field = whole(field);
            true
        }
        CompiledMatcher::Not(inner) | CompiledMatcher::TimestampPart { inner, .. } => {
            of_matcher(inner)
        }
        CompiledMatcher::AnyOf(parts)
        | CompiledMatcher::AllOf(parts)
        | CompiledMatcher::CaseInsensitiveGroup { children: parts, .. } => {
            // Each of them, also once one does.
            parts.iter_mut().map(of_matcher).filter(|compares| *compares).count() > 0
        }
        _ => false,
    }
}

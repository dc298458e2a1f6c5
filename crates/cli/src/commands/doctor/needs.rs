//! Which capabilities runs stand on: those without which the container of a run is refused.

use std::collections::BTreeMap;

use inline::{Capabilities, Capability, Mount, Support};
use inline_sandbox::{Blueprint, Language, Owner, Purpose, WORKSPACE_TARGET};

use crate::open::Setup;

/// Returns whether a run of any language needs `capability` on an engine that has `table`.
pub(super) fn has(
    capability: Capability,
    table: &Capabilities,
    setup: &Setup,
    languages: &BTreeMap<String, Language>,
    pulls: bool,
) -> bool {
    if capability == Capability::Pull {
        return pulls;
    }
    // As the engine is, but with all the others.
    let others = table.iter().fold(table.clone(), |table, (other, support)| {
        let lacks = other != capability && !support.is_present() && !changes_spec(other);
        if lacks {
            table.with(other, Support::Present)
        } else {
            table
        }
    });
    let Ok(owner) = Owner::new("local", "doctor") else {
        return true;
    };
    languages.values().any(|language| {
        let blueprint = Blueprint {
            instance: "doctor",
            owner: &owner,
            language,
            image: &language.image,
            limits: &setup.sandbox.limits,
            workspace: Mount::bind("/workspace", WORKSPACE_TARGET),
            user: (setup.sandbox.uid, setup.sandbox.gid),
        };
        let spec = blueprint.spec(Purpose::Run, &others);
        spec.is_err() || spec.is_ok_and(|spec| spec.validate(&others).is_err())
    })
}

/// Says of which capability a spec makes use where there is one, and does without it where there is none.
fn changes_spec(capability: Capability) -> bool {
    capability == Capability::UserNamespace
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;

    #[test]
    fn runs_stand_on_limits_and_isolation() {
        let global = Arguments::parse_from(["inline", "doctor", "--config", "/dev/null"]).global;
        let setup = Setup::load(&global).unwrap();
        let languages = setup.sandbox.languages().unwrap();
        let table = Capabilities::none("not checked");
        let needed = |capability| has(capability, &table, &setup, &languages, false);
        for capability in [
            Capability::Memory,
            Capability::NanoCpus,
            Capability::PidsLimit,
            Capability::Ulimits,
            Capability::NetworkNone,
            Capability::ReadonlyRootfs,
            Capability::BindMounts,
        ] {
            assert!(needed(capability), "{capability}");
        }
        for capability in [
            Capability::Gpus,
            Capability::OomDetection,
            Capability::Stats,
            Capability::UserNamespace,
        ] {
            assert!(!needed(capability), "{capability}");
        }
    }
}

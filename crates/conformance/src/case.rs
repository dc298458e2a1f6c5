//! One promise of the contract, as something that can be run.

use std::fmt;

use futures::future::BoxFuture;
use inline_runtime::Capability;

use crate::bench::Bench;
use crate::failure::Outcome;

/// Proves one promise of the contract.
///
/// A case that [`requires`](Self::requires) a capability becomes its opposite where that is absent: the driver must
/// then refuse what asks for it.
pub struct Case {
    name: &'static str,
    requires: Option<Capability>,
    needs: Option<Need>,
    run: Run,
}

/// Names what a case needs that not every [`Subject`](crate::Subject) can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// A registry with the images of [`RegistryImages`](crate::RegistryImages).
    Registry,
    /// A directory of the engine's host.
    HostDirectory,
    /// A volume of the engine.
    Volume,
    /// A connection that can be cut.
    SeverableConnection,
}

type Run = for<'a> fn(&'a Bench) -> BoxFuture<'a, Outcome>;

impl Case {
    pub(crate) const fn new(name: &'static str, run: Run) -> Self {
        Self {
            name,
            requires: None,
            needs: None,
            run,
        }
    }

    pub(crate) const fn requiring(mut self, capability: Capability) -> Self {
        self.requires = Some(capability);
        self
    }

    pub(crate) const fn needing(mut self, need: Need) -> Self {
        self.needs = Some(need);
        self
    }

    /// Returns the name, as the contract spells it: `exec::stdin_to_eof`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the capability without which the case becomes its opposite.
    pub const fn requires(&self) -> Option<Capability> {
        self.requires
    }

    /// Returns what the subject must provide.
    pub const fn needs(&self) -> Option<Need> {
        self.needs
    }

    pub(crate) async fn prove(&self, bench: &Bench) -> Outcome {
        (self.run)(bench).await
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("requires", &self.requires)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}

/// Makes a table of cases whose names are those of their functions.
macro_rules! case_table {
    ($area:literal: $($case:ident $([$($with:ident($value:expr)),+])?),+ $(,)?) => {
        &[$(
            $crate::case::Case::new(concat!($area, "::", stringify!($case)), |bench| Box::pin($case(bench)))
                $($(.$with($value))+)?
        ),+]
    };
}

pub(crate) use case_table;

/// Returns every case, in the order of the contract.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        crate::engine::CASES,
        crate::pull::CASES,
        crate::create::CASES,
        crate::start::CASES,
        crate::exec::CASES,
        crate::kill::CASES,
        crate::remove::CASES,
        crate::inspect::CASES,
        crate::list::CASES,
        crate::stats::CASES,
        crate::limits::CASES,
        crate::isolation::CASES,
    ]
    .into_iter()
    .flatten()
}

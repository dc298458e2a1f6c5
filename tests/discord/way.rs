//! The way from the bot to its engine, which a case can cut.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use inline_conformance::SocketProxy;
use inline_tests::environment::variable;
use inline_tests::service::Engine;
use libtest_mimic::Failed;

use crate::bench::Bench;

impl Bench {
    /// Returns where the bot finds its engine.
    pub(crate) fn way(&self) -> PathBuf {
        self.directory.path().join("engine.sock")
    }

    /// Makes the way to the engine.
    pub(crate) fn find_engine(&self) -> Result<(), Failed> {
        let engine = engine_host(self.engine)
            .and_then(variable)
            .ok_or("the engine is not named")?;
        let engine = engine
            .strip_prefix("unix://")
            .ok_or("the engine does not listen on a unix socket")?;
        let proxy = SocketProxy::to(engine)?;
        // Each proxy has a socket of its own.
        drop(fs::remove_file(self.way()));
        symlink(proxy.path(), self.way())?;
        *self.proxy() = Some(proxy);
        Ok(())
    }

    /// Cuts the way to the engine, of which the bot sees nothing from then on.
    pub(crate) fn lose_engine(&self) {
        *self.proxy() = None;
    }

    fn proxy(&self) -> MutexGuard<'_, Option<SocketProxy>> {
        self.proxy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the variable in which the bot finds where its engine is; none if it has its own.
pub(crate) fn engine_host(engine: Engine) -> Option<&'static str> {
    match engine.driver() {
        "docker" => Some("DOCKER_HOST"),
        "podman" => Some("CONTAINER_HOST"),
        _ => None,
    }
}

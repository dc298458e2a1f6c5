//! What the suites' lists of cases are made with.

use libtest_mimic::Failed;
use tokio::sync::RwLock;

/// Names each case by its module and function.
#[macro_export]
macro_rules! cases {
    ($($module:ident::$case:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($case)), $module::$case)),*]
    };
}

/// Names each asynchronous case by its module and function.
#[macro_export]
macro_rules! async_cases {
    ($($module:ident::$case:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($case)), |bench| Box::pin($module::$case(bench)))),*]
    };
}

/// Fails a case unless something holds.
///
/// # Errors
///
/// - `why`, if it does not.
pub fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(why().into()) }
}

/// Runs a case beside others, or alone if it measures.
pub async fn in_turn<T>(is_alone: bool, case: impl Future<Output = T>) -> T {
    static BESIDE: RwLock<()> = RwLock::const_new(());
    if is_alone {
        let _alone = BESIDE.write().await;
        case.await
    } else {
        let _beside = BESIDE.read().await;
        case.await
    }
}

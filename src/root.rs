//! The plugin in one of Envoy's threads: configuration in, filters out.

use std::rc::Rc;
use std::time::Duration;

use log::{error, info, warn};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::config::Config;
use crate::filter::{Filter, Unconfigured};
use crate::host::{self, HostError, Metrics, Pages};
use crate::table::TableKey;

/// What every request of one configuration shares.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) config: Config,
    pub(crate) key: TableKey,
    pub(crate) pages: Pages,
    pub(crate) metrics: Metrics,
}

/// The root context.
#[derive(Default)]
pub(crate) struct Root {
    plugin: Option<Rc<Plugin>>,
}

// === impl Plugin ===

impl Plugin {
    fn new(config: Config) -> Result<Self, HostError> {
        Ok(Self {
            key: host::table_key(&config.namespace)?,
            pages: Pages::new(&config.namespace, config.layout),
            metrics: Metrics::define(config.limits.iter().map(|limit| &**limit))?,
            config,
        })
    }
}

// === impl Root ===

impl Root {
    /// Takes a configuration, or says in the log all that is wrong with it:
    /// Envoy itself tells its operator no more than that it was refused.
    fn configure(&mut self, text: &[u8]) -> bool {
        let config = match Config::parse(text) {
            Ok(config) => config,
            Err(errors) => {
                for error in &errors {
                    error!("configuration refused: {error}");
                }
                return false;
            }
        };
        for warning in &config.warnings {
            warn!("configuration: {warning}");
        }
        let summary = config.summary();
        match Plugin::new(config) {
            Ok(plugin) => {
                info!("configuration: {summary}");
                self.plugin = Some(Rc::new(plugin));
                true
            }
            Err(failure) => {
                error!("start refused: {failure}");
                false
            }
        }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.configure(&text)
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.plugin {
            Some(plugin) => Box::new(Filter::new(plugin.clone())),
            None => Box::new(Unconfigured),
        })
    }

    fn on_tick(&mut self) {
        let settled = self
            .plugin
            .as_ref()
            .is_none_or(|plugin| plugin.pages.pay_owed());
        if settled && hostcalls::set_tick_period(Duration::ZERO).is_err() {
            error!("the tick could not be ended");
        }
    }
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

//! The plugin in one of Envoy's threads: configuration in, filters out.

use std::fmt;
use std::rc::Rc;

use log::{error, info, warn};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::config::Config;
use crate::filter::{Filter, Unconfigured};
use crate::host::{
    self, Clocks, Counters, HostError, Metrics, NoSecret, Pace, Pages, Redis, RedisMetrics, Tick,
};
use crate::pseudonym::Pseudonyms;
use crate::redis::{Names, Settings};
use crate::table::TableKey;

/// What every request of one configuration shares.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) config: Config,
    pub(crate) key: TableKey,
    pub(crate) pages: Pages,
    pub(crate) metrics: Metrics,
    counters: Counters,
    tick: Tick,
    /// Where some limit is counted in Redis.
    pub(crate) redis: Option<Redis>,
    /// Where the access log is told who calls.
    pub(crate) pseudonyms: Option<Pseudonyms>,
}

/// Why a sound configuration could not be taken.
enum StartError {
    Host(HostError),
    Secret(NoSecret),
}

/// The root context.
pub(crate) struct Root {
    /// By which Envoy names it.
    context: u32,
    plugin: Option<Rc<Plugin>>,
    /// Whether Envoy waits for what is owed to be paid, to forget it.
    has_ended: bool,
}

// === impl Plugin ===

impl Plugin {
    fn new(mut config: Config) -> Result<Self, StartError> {
        let tick = Tick::default();
        let counters = Counters::new(tick.clone());
        let redis = match config.redis.take() {
            Some(settings) => Some(redis(&config, settings, &counters, &tick)?),
            None => None,
        };
        let pseudonyms = match config.log_client {
            true => Some(Pseudonyms::new(hash_secret(&config)?.as_deref())),
            false => None,
        };
        Ok(Self {
            key: host::table_key(&config.namespace)?,
            pages: Pages::new(
                &config.namespace,
                config.layout,
                clocks(&config),
                tick.clone(),
            )?,
            metrics: Metrics::define(&counters, &config.limits, &config.plans)?,
            counters,
            tick,
            redis,
            pseudonyms,
            config,
        })
    }
}

fn clocks(config: &Config) -> Clocks {
    match config.needs_wall_clock {
        true => Clocks::Both,
        false => Clocks::Monotonic,
    }
}

fn hash_secret(config: &Config) -> Result<Option<String>, NoSecret> {
    config.hash_secret.as_ref().map(host::reveal).transpose()
}

fn redis(
    config: &Config,
    settings: Settings,
    counters: &Counters,
    tick: &Tick,
) -> Result<Redis, StartError> {
    let names = Names::new(&config.namespace, hash_secret(config)?.as_deref());
    let metrics = RedisMetrics::define(counters)?;
    Ok(Redis::new(
        settings,
        names,
        host::nonce()?,
        metrics,
        tick.clone(),
    )?)
}

// === impl StartError ===

impl From<HostError> for StartError {
    fn from(failure: HostError) -> Self {
        Self::Host(failure)
    }
}

impl From<NoSecret> for StartError {
    fn from(failure: NoSecret) -> Self {
        Self::Secret(failure)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(failure) => failure.fmt(f),
            Self::Secret(failure) => failure.fmt(f),
        }
    }
}

// === impl Root ===

impl Root {
    fn new(context: u32) -> Self {
        // Of its end it wants to know.
        host::watch(context);
        Self {
            context,
            plugin: None,
            has_ended: false,
        }
    }

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

impl Root {
    /// Pays what is owed, as far as it can be paid now, and tells what was counted.
    /// Whether more is owed, for which it ticks on.
    fn owes(&self) -> bool {
        let Some(plugin) = &self.plugin else {
            return false;
        };
        let owes = !plugin.pages.pay_owed(&plugin.metrics);
        let leases = plugin.redis.as_ref().is_some_and(Redis::tick);
        plugin.counters.tell();
        match owes || leases {
            true => plugin.tick.arm(Pace::Fast),
            false => plugin.tick.disarm(),
        }
        owes || leases
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        host::unwatch(self.context);
    }
}

impl Context for Root {
    /// Envoy has another configuration by now, and this one's last requests have ended:
    /// what they have left to be paid is paid first.
    fn on_done(&mut self) -> bool {
        self.has_ended = self.owes();
        !self.has_ended
    }

    /// An answer that no stream waits for is about a lease, or tokens settled.
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        _body: usize,
        _trailers: usize,
    ) {
        let redis = self
            .plugin
            .as_ref()
            .and_then(|plugin| plugin.redis.as_ref());
        if let (Some(plugin), Some(redis)) = (&self.plugin, redis) {
            let forgiven = redis.root_answered(token, headers);
            plugin.metrics.forgiven(forgiven);
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.configure(&text)
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.plugin {
            Some(plugin) => Box::new(Filter::new(id, plugin.clone())),
            None => Box::new(Unconfigured),
        })
    }

    fn on_tick(&mut self) {
        if !self.owes() && std::mem::take(&mut self.has_ended) {
            if let Err(failure) = host::end_root() {
                error!("a former configuration stays in memory: {failure}");
            }
        }
    }
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|id| Box::new(Root::new(id)));
}}

//! A filter that does nothing, through the same SDK as Tollgate.
//!
//! What Envoy spends on it is the price of having any proxy-wasm filter: the benchmark
//! measures Tollgate against that, and the tests drive their harness with it, so that a
//! fault of the harness is not taken for one of the filter. With any configuration it reads
//! the bodies of responses, and drops them: the price of having them read.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

#[derive(Default)]
struct Root {
    reads: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        self.reads = size > 0;
        true
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match self.reads {
            true => Box::new(Reader),
            false => Box::new(Stream),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Stream;

impl Context for Stream {}

impl HttpContext for Stream {}

struct Reader;

impl Context for Reader {}

impl HttpContext for Reader {
    fn on_http_response_body(&mut self, size: usize, _end: bool) -> Action {
        drop(self.get_http_response_body(0, size));
        Action::Continue
    }
}

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(Root::default()) });
}}

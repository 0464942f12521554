"""Programs that run beside the runtime, each a plain script of the standard library, so that thousands stay cheap."""

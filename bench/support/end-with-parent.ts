// Loaded before the main module of a child process: a benchmark that is killed leaves nothing running behind.
process.once('disconnect', () => process.exit(1));
// Listening must not keep a child alive that has otherwise come to its end.
process.channel?.unref();

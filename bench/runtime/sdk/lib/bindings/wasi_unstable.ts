// Was part of AssemblyScript before 0.21; the SDK wants it.
// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'proc_exit')
export declare function proc_exit(code: u32): void;

// Everything that filters/crypto offers, in one module: its size is what the library costs.
export * from './symmetric.module';
export * from './sm2.module';

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

/**
 * Prisma's schema engine as WebAssembly, talking through the same driver as the application. The binary engine
 * would have to be downloaded at install time; this one comes with its npm package.
 */
export type SchemaEngine = engineModule.SchemaEngine;

const schemaPath = fileURLToPath(new URL('./schema.prisma', import.meta.url));

export const noFilters = { externalTables: [], externalEnums: [] };

export async function readDatamodel(): Promise<{ path: string; content: string }> {
  return { path: schemaPath, content: await readFile(schemaPath, 'utf8') };
}

export interface OpenSchemaEngine extends AsyncDisposable {
  engine: SchemaEngine;
}

export async function openSchemaEngine(connectionString: string): Promise<OpenSchemaEngine> {
  await instantiate();
  const datamodel = await readDatamodel();
  // A pool of our own, because the engine leaves the adapter's open: two connections, one per role of the engine.
  const pool = new pg.Pool({ connectionString, max: 2 });
  pool.on('error', () => undefined);
  const engine = await engineModule.SchemaEngine.new(
    { datamodels: [[datamodel.path, datamodel.content]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(new WholeScripts(pool)),
  );
  return {
    engine,
    [Symbol.asyncDispose]: async () => {
      engine.free();
      await pool.end();
    },
  };
}

/**
 * PrismaPg cuts a script at every semicolon, inside function bodies and comments too. Sent whole, Postgres parses it
 * itself and runs it as one implicit transaction: a migration applies entirely or not at all.
 */
class WholeScripts extends PrismaPg {
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    adapter.executeScript = async (script) => {
      await adapter.underlyingDriver().query(script);
    };
    return adapter;
  }
}

let instantiated: Promise<void> | undefined;

function instantiate(): Promise<void> {
  instantiated ??= (async () => {
    const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
    const wasm = await readFile(path.replace(/\.js$/, '.wasm'));
    // The package's bindings have loose types: they are generated for bundlers that link the module themselves.
    const bindings = engineModule as unknown as WasmBindings;
    const { instance } = await (globalThis as unknown as WasmGlobal).WebAssembly.instantiate(wasm, {
      './schema_engine_bg.js': bindings,
    });
    bindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
  })();
  return instantiated;
}

interface WasmExports {
  __wbindgen_start(): void;
}

interface WasmBindings {
  __wbg_set_wasm(exports: WasmExports): void;
}

/** Node has WebAssembly, but its type declarations leave it to the DOM's. */
interface WasmGlobal {
  WebAssembly: {
    instantiate(
      bytes: Uint8Array,
      imports: Record<string, WasmBindings>,
    ): Promise<{ instance: { exports: WasmExports } }>;
  };
}

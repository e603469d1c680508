/** The door of `deploy`: what a host lends to node adapters. */
export { type Address, createHttp, type HttpOptions } from "./services/http.ts"

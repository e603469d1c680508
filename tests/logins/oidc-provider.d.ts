/** As much of the package's shape as the tests use: it ships without types. */
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http"

  interface Details {
    readonly prompt: {
      readonly name: string
      readonly details: {
        readonly missingOIDCScope?: readonly string[]
        readonly missingResourceScopes?: { readonly [resource: string]: readonly string[] }
      }
    }
    readonly params: { readonly client_id: string }
    readonly session?: { readonly accountId: string }
    readonly grantId?: string
  }
  interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
  interface Token {
    readonly scope?: string
    readonly aud?: unknown
    readonly isExpired: boolean
  }
  export default class Provider {
    constructor(issuer: string, configuration: object)
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Details>
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object, how: object): Promise<void>
    readonly Grant: { new (of: object): Grant; find(id: string): Promise<Grant | undefined> }
    readonly AccessToken: { find(token: string): Promise<Token | undefined> }
    readonly ClientCredentials: { find(token: string): Promise<Token | undefined> }
  }
}

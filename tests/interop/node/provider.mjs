// A sign-in provider of other people's making: oidc-provider with its own pages of sign-in, for one client and one API.
// Usage: node provider.mjs PORT REDIRECT_URI AUDIENCE. Run in the folder of the packages.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const load = createRequire(`${process.cwd()}/x.js`);
const { default: Provider } = await import(pathToFileURL(load.resolve("oidc-provider")).href);

const [port, redirectUri, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "doithoai-console",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
    },
  ],
  claims: { openid: ["sub"], profile: ["name"] },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: "",
        audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: Number(process.env.TOKEN_LIFE ?? 300),
      }),
      useGrantedResource: () => true,
    },
  },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed("refresh_token"),
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Người dùng ${id}` }) }),
  cookies: { keys: ["only for tests"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`listening ${issuer}`));

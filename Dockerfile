# Debian, since the Temporal SDK's native module does not run on Alpine.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The SDK's native module comes for five platforms, 30 MB each: one of them is this.
RUN npm run build && npm prune --omit=dev \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000
# With no argument it is API and worker, in as many processes as there are cores; otherwise `api`, `worker` or `migrate`.
ENTRYPOINT ["node", "dist/main.js"]

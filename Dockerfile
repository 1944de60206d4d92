FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=optional --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.mjs && npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY migrations migrations
COPY sql sql
RUN ln -s /app/dist/cli/main.js /usr/local/bin/swarmplane && mkdir -p /state /token
ENV NODE_ENV=production SWARMPLANE_STATE=/state
EXPOSE 7411
CMD ["swarmplane", "up"]

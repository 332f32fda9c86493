-- Ratings, and the tables that vectors go to.
\set ON_ERROR_STOP on
\getenv factors FACTORS

create extension if not exists vector;

-- The key lets pages be read in its order, and refuses a second rating of the same film.
create table ratings (
    "userId" bigint not null,
    "movieId" bigint not null,
    rating real not null,
    primary key ("userId", "movieId")
);

-- As long as --factors says; biases apart. A score is the product of two vectors, plus biases.
create table movie_embeddings (
    movie_id bigint primary key,
    embedding vector(:factors) not null,
    bias real,
    run_id text,
    exported_at timestamptz
);
create index on movie_embeddings using hnsw (embedding vector_ip_ops);

create table user_embeddings (
    user_id bigint primary key,
    embedding vector(:factors) not null,
    bias real,
    run_id text,
    exported_at timestamptz
);

-- Whether an export into a table is under way, and of which run.
create table starling_exports (
    table_name text primary key,
    run_id text not null,
    rows bigint not null,
    started_at timestamptz not null,
    finished_at timestamptz
);

-- Without the service key: films' vectors for everybody, of people only what the service does with them.
alter table ratings enable row level security;
alter table user_embeddings enable row level security;
alter table movie_embeddings enable row level security;
alter table starling_exports enable row level security;
grant select on movie_embeddings, starling_exports to anon, authenticated;
create policy everybody on movie_embeddings for select to anon, authenticated using (true);
create policy everybody on starling_exports for select to anon, authenticated using (true);

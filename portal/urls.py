"""Routes of the portal: pages that cross rooms, and the API of statements, manifests and jobs."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from portal.api import statements, uploads
from portal.views import (
    batches,
    chip_models,
    chips,
    custody,
    findings,
    glossary,
    jobs,
    keys,
    log,
    organisations,
    overview,
    papers,
    places,
    receipts,
    registering,
    saved_views,
    search,
    tokens,
    transfers,
)
from portal.views import statements as views_of_statements

DIGEST = r"(?P<digest>[0-9a-f]{64})"

api: list[URLPattern] = [
    path("statements", statements.Statements.as_view(), name="statements"),
    path("statements/batch", statements.StatementBatch.as_view(), name="statement-batch"),
    re_path(rf"^statements/{DIGEST}$", statements.StatementDetail.as_view(), name="statement"),
    re_path(
        rf"^statements/{DIGEST}/receipt$", statements.StatementReceipt.as_view(), name="statement-receipt"
    ),
    re_path(rf"^statements/{DIGEST}/bundle$", statements.StatementBundle.as_view(), name="statement-bundle"),
    path("manifests", uploads.Manifests.as_view(), name="manifests"),
    path("jobs/<uuid:job_id>", uploads.JobDetail.as_view(), name="job"),
    path("jobs/<uuid:job_id>/cancel", uploads.JobCancel.as_view(), name="job-cancel"),
    path("jobs/<uuid:job_id>/rejected", uploads.JobRejected.as_view(), name="job-rejected"),
]
CHIP = r"^chips/(?P<maker>[a-z0-9][a-z0-9-]{1,62})/(?P<serial>[A-Za-z0-9._-]{1,64})/"
pages: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("search/", search.search, name="search"),
    path("acting-for/", organisations.acting_for, name="acting-for"),
    path("papers/", papers.drafts, name="drafts"),
    path("papers/<uuid:number>/", papers.draft, name="draft"),
    path("papers/<uuid:number>/prepare/", papers.prepare, name="draft-prepare"),
    path("papers/<uuid:number>/discard/", papers.discard, name="draft-discard"),
    path("papers/<uuid:number>/envelope/", papers.envelope, name="draft-envelope"),
    path("batches/", batches.batches, name="batches"),
    path("batches/new/", registering.register, name="register-batch"),
    path("batches/checks/<uuid:number>/again/", registering.check_anew, name="check-anew"),
    re_path(rf"^batches/{DIGEST}/$", batches.batch, name="batch"),
    re_path(rf"^batches/{DIGEST}/receipt/$", batches.receipt, name="batch-receipt"),
    path("models/", chip_models.models, name="chip-models"),
    path("models/new/", chip_models.publish, name="publish-model"),
    path("models/<slug:code>/", chip_models.model, name="chip-model"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:number>/", jobs.job, name="job"),
    path("jobs/<uuid:number>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<uuid:number>/rejected/", jobs.rejected, name="job-rejected"),
    path("transfers/", transfers.transfers, name="transfers"),
    path("transfers/new/", transfers.dispatch, name="dispatch"),
    re_path(rf"^transfers/{DIGEST}/$", transfers.transfer, name="transfer"),
    re_path(rf"^transfers/{DIGEST}/receive/$", receipts.receive, name="receive"),
    path("custody/<slug:verb>/", custody.custody, name="custody"),
    path("chips/", chips.chips, name="chips"),
    re_path(rf"{CHIP}$", chips.chip, name="chip"),
    re_path(rf"{CHIP}evidence/$", chips.chip_bundle, name="chip-bundle"),
    path("findings/", findings.findings, name="findings"),
    path("findings/<uuid:number>/", findings.finding, name="finding"),
    path("report/", findings.report, name="report"),
    path("sites/", places.sites, name="sites"),
    path("sites/<slug:code>/", places.site, name="site"),
    path("clusters/", places.clusters, name="clusters"),
    path("balances/", places.balances, name="balances"),
    path("organisations/", organisations.organisations, name="organisations"),
    path("organisations/<slug:handle>/", organisations.organisation, name="organisation"),
    path("log/", log.log_page, name="log"),
    path("log/entries/", log.entries, name="log-entries"),
    path("log/entries/<int:position>/", log.entry, name="log-entry"),
    path("log/checkpoints/", log.checkpoints, name="log-checkpoints"),
    re_path(rf"^statements/{DIGEST}/$", views_of_statements.statement, name="statement"),
    re_path(rf"^statements/{DIGEST}/evidence/$", views_of_statements.bundle, name="statement-bundle"),
    path("keys/", keys.keys, name="keys"),
    path("keys/enrol/", keys.enrol, name="enrol-passkey"),
    path("keys/policy/", keys.policy, name="signing-policy"),
    re_path(r"^keys/(?P<key_id>[0-9a-f]{64})/rotate/$", keys.rotate, name="rotate-key"),
    re_path(r"^keys/(?P<key_id>[0-9a-f]{64})/revoke/$", keys.revoke, name="revoke-key"),
    path("glossary/", glossary.glossary, name="glossary"),
    path("views/", saved_views.saved_views, name="saved-views"),
    path("views/save/<slug:listing>/", saved_views.save, name="save-view"),
    path("views/<int:number>/rename/", saved_views.rename, name="rename-view"),
    path("views/<int:number>/delete/", saved_views.delete, name="delete-view"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:number>/revoke/", tokens.revoke, name="revoke-token"),
]

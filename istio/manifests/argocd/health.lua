-- Health of a FinancialRoute or FinancialBaseline for Argo CD: resource.customizations.health.fim.financial_FinancialRoute and
-- …_FinancialBaseline in argocd-cm.
local health = { status = "Progressing", message = "Waiting for the operator." }
if obj.status == nil or obj.status.conditions == nil then
  return health
end
local ready, stalled
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then ready = condition end
  if condition.type == "Stalled" then stalled = condition end
end
-- What is said of an earlier state of the object says nothing of this one.
local generation = obj.metadata.generation
if ready == nil or (generation ~= nil and ready.observedGeneration ~= generation) then
  return health
end
health.message = ready.reason .. ": " .. ready.message
if ready.status == "True" then
  health.status = "Healthy"
elseif stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
end
return health
